import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const main = new URL("../../../oci-runtime/src/main.ts", import.meta.url).pathname;

/** The project's own runtime from source, as one program. */
export function runtimeProgram(directory: string): string {
  const path = join(directory, "oci-runtime");
  const node = `"${process.execPath}" --disable-warning=ExperimentalWarning`;
  writeFileSync(path, `#!/bin/sh\nexec ${node} "${main}" "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}
