import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { embeddedAsset } from "@gantry/addon-loader";

/** The helper's program: a file that the standalone binary carries, or that of the build tree. */
export function readInitProgram(): Uint8Array {
  return (
    embeddedAsset("init") ??
    readFileSync(join(dirname(fileURLToPath(import.meta.url)), "../../../../native-sys/build/init"))
  );
}
