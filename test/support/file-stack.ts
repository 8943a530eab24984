import tap from "tap";
import { type Stack, startStack, type WholeStackOptions } from "./stack.ts";

/** A stack of the whole test file: it is taken down, and checked for leaks, after the file's last test. */
export async function fileStack(options: WholeStackOptions = {}): Promise<Stack> {
  const stack = await startStack(options);
  tap.teardown(() => stack[Symbol.asyncDispose]());
  return stack;
}
