import { busyboxArchive, missing, type SupervisorStack, startSupervisor } from "@gantry/testkit";
import t from "tap";

export const image = "docker.io/library/busybox:latest";

/** The supervisor of a test file, run from its source, with the busybox image; it ends with the file. */
export async function fileStack(): Promise<SupervisorStack> {
  const reason = missing("root", "overlay", "file:/bin/busybox");
  if (reason) {
    t.plan(0, reason);
    process.exit(0);
  }
  t.setTimeout(300_000);
  const stack = await startSupervisor({ fromSource: true, t });
  t.teardown(() => stack[Symbol.asyncDispose]());
  await stack.ok(["images", "import", await busyboxArchive(stack.directory)]);
  return stack;
}
