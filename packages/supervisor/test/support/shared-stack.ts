import { busyboxArchive, tempDir } from "@gantry/testkit";
import { t as tap } from "tap";
import { load } from "./container.ts";
import { type Stack, startStack } from "./stack.ts";

/** One stack for all tests of a file, with busybox in it; it ends with them. */
export async function stackWithBusybox(): Promise<Stack> {
  tap.setTimeout(120_000);
  const scope = new AsyncDisposableStack();
  tap.teardown(() => scope.disposeAsync());
  const directory = scope.use(tempDir("images"));
  const stack = scope.use(await startStack());
  await load(stack, await busyboxArchive(directory.path));
  return stack;
}
