import { relative } from "node:path";
import { paths } from "./paths.ts";
import type { TestFile } from "./test-file.ts";

/**
 * - `guest`: files that boot a virtual machine, which is mostly one thread's work for minutes. One at a time, beside
 *   the others.
 * - `shared`: files that make their own namespaces, directories and cgroups. They run side by side.
 * - `alone`: files that need the machine to themselves. They come last, one at a time.
 */
export type Lane = "guest" | "shared" | "alone";

/** Files that must not run beside others, each with the reason. */
const exclusive: Readonly<Record<string, string>> = {
  "test/chaos/churn.test.ts": "measures how much the daemons' memory grows",
  "test/chaos/full-disk.test.ts": "bounds the time that a full disk may cost",
  "test/chaos/whole.test.ts": "bounds the time of a shutdown",
};

export function laneOf(file: string): Lane {
  const path = relative(paths.root, file);
  if (path.startsWith("test/vm/")) return "guest";
  return path in exclusive ? "alone" : "shared";
}

/** Runs a file; returns false to end the run early. */
export type Work = (file: TestFile) => Promise<boolean>;

/** Runs every file in its lane, up to `jobs` at a time. After a `false` no further file is started. */
export async function runInLanes(files: readonly TestFile[], jobs: number, work: Work): Promise<void> {
  const queueOf = (lane: Lane) => files.filter(({ file }) => laneOf(file) === lane);
  const [guest, shared, alone] = [queueOf("guest"), queueOf("shared"), queueOf("alone")];
  let goesOn = true;
  const drain = async (...queues: TestFile[][]) => {
    for (const queue of queues)
      for (let file = goesOn && queue.shift(); file; file = goesOn && queue.shift()) goesOn &&= await work(file);
  };
  // One worker takes the guests, longest of all, and then helps with the others.
  const others = Array.from({ length: jobs - 1 }, () => drain(shared));
  await Promise.all([others.length > 0 ? drain(guest, shared) : drain(shared, guest), ...others]);
  await drain(alone);
}
