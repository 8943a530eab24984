import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { t } from "tap";

/** A directory of mode 0700 that is removed at the end of the test file. */
export function privateDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "gantry-ipc-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
