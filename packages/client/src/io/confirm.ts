import { createInterface } from "node:readline/promises";
import type { Context } from "../command.ts";

/** Prompts for a confirmation; only y or yes confirms. */
export async function confirm(context: Context, warning: string): Promise<boolean> {
  context.out.write(1, `${warning}\nAre you sure you want to continue? [y/N] `);
  await context.out.drain();
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) {
    lines.close();
    return /^y(es)?$/i.test(line.trim());
  }
  context.out.print("");
  return false;
}
