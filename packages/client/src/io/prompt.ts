import { CommandError, type Context } from "../command.ts";

/** Prompts for a line on the terminal. @param isSecret the input is not echoed */
export async function prompt(context: Context, prompt: string, isSecret = false): Promise<string> {
  context.out.write(1, prompt);
  await context.out.drain();
  const [{ createInterface }, { Writable }] = await Promise.all([import("node:readline"), import("node:stream")]);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const output = isSecret ? nowhere : process.stdout;
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  try {
    return await new Promise((resolve, reject) => {
      lines.once("line", resolve);
      lines.once("SIGINT", () => reject(new CommandError("", 130)));
      lines.once("close", () => reject(new CommandError("the input has ended")));
    });
  } finally {
    lines.close();
    if (isSecret) context.out.print("");
  }
}
