import { readFileSync } from "node:fs";

/** Whether this program is a standalone binary, and not sources in the build tree. */
export function isStandalone(): boolean {
  if (process.versions["bun"]) return import.meta.dirname.startsWith("/$bunfs/");
  return process.getBuiltinModule("node:sea").isSea();
}

/** Where a binary that Bun made shows the files it carries. */
const bunFiles = "/$bunfs/root/";

/** A file that a standalone binary carries, by its key; undefined where the program runs from the build tree. */
export function embeddedAsset(key: string): Buffer | undefined {
  if (process.versions["bun"]) return bunAsset(key);
  const sea = process.getBuiltinModule("node:sea");
  return sea.isSea() ? Buffer.from(sea.getRawAsset(key) as ArrayBuffer) : undefined;
}

function bunAsset(key: string): Buffer | undefined {
  try {
    return readFileSync(bunFiles + key);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
