import { busyboxArchive, distBin, tempDir } from "@gantry/testkit";
import { t as tap } from "tap";
import { load } from "./container.ts";
import { type Stack, startStack } from "./stack.ts";

/** One stack for all tests of a file, with busybox in it; it ends with them. @param built of the binaries as built */
export async function stackWithBusybox({ built = false } = {}): Promise<Stack> {
  tap.setTimeout(180_000);
  const scope = new AsyncDisposableStack();
  tap.teardown(() => scope.disposeAsync());
  const directory = scope.use(tempDir("images"));
  const stack = scope.use(await startStack(built ? { binaries: distBin } : {}));
  await load(stack, await busyboxArchive(directory.path));
  return stack;
}
