import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The helper's program: an asset of the standalone binary, or the file of the build tree. */
export function readInitProgram(): Uint8Array {
  const sea = process.getBuiltinModule("node:sea");
  if (sea.isSea()) return new Uint8Array(sea.getRawAsset("init") as ArrayBuffer);
  return readFileSync(join(dirname(fileURLToPath(import.meta.url)), "../../../native-sys/build/init"));
}
