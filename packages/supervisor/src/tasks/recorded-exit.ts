import { readFileSync } from "node:fs";
import { parseDocument } from "@gantry/ipc/formats/document";
import { type ExitDocument, exitDocument, shimFiles } from "@gantry/ipc/formats/shim-directory";

/** The exit that a shim recorded in its directory; undefined where it recorded none. @throws Error naming a malformed file */
export function readExit(shimDirectory: string): ExitDocument | undefined {
  const path = `${shimDirectory}/${shimFiles.exit}`;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return parseDocument(exitDocument, text, path);
}
