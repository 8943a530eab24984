import { isTerminal } from "@gantry/cli/terminal";
import { CommandError, type Context } from "../command.ts";

const enter = /[\r\n]/;
const interrupt = "\x03";
const erase = /[\x7f\b]/;

/** Prompts for a password without echo. @throws CommandError without a terminal, or after an interrupt */
export async function askPassword({ out }: Context): Promise<string> {
  if (!isTerminal(0))
    throw new CommandError("--user needs a password where standard input is no terminal: USER:PASSWORD");
  out.write(2, "Password: ");
  const { stdin } = process;
  stdin.setRawMode(true);
  let typed = "";
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      for (const key of chunk.toString("utf8")) {
        if (enter.test(key)) return typed;
        if (key === interrupt) throw new CommandError("", 130);
        typed = erase.test(key) ? typed.slice(0, -1) : typed + key;
      }
    }
    return typed;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    out.write(2, "\n");
  }
}
