import { randomUUID } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";

const form = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The UUID of a root directory, created at its first use; it stays the same across restarts. */
export function rootUuid(root: string): string {
  const path = `${root}/uuid`;
  try {
    const text = readFileSync(path, "utf8").trim();
    if (form.test(text)) return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const uuid = randomUUID();
  writeFileSync(`${path}.new`, `${uuid}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return uuid;
}
