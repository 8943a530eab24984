import { isTerminal, terminalColumns } from "@gantry/cli/terminal";
import type { Message } from "@gantry/ipc";
import type { Context } from "../command.ts";
import { type TransferStep, TransferView } from "../format/transfer.ts";

const redrawMs = 100;

/** A transfer under way. */
export interface Transfer<Reply> {
  readonly items: AsyncIterable<Message<TransferStep>>;
  readonly result: Promise<Reply>;
}

/** Follows a transfer to its end and returns its reply; its steps are shown on a terminal, not in a pipe. */
export async function followTransfer<Reply>(context: Context, { items, result }: Transfer<Reply>): Promise<Reply> {
  const [reply] = await Promise.all([result, show(context, items)]);
  return reply;
}

async function show(context: Context, items: AsyncIterable<Message<TransferStep>>): Promise<void> {
  if (!isTerminal(1)) {
    for await (const _ of items);
    return;
  }
  const screen = new Screen(context);
  const timer = setInterval(() => screen.draw(), redrawMs);
  try {
    for await (const { value } of items) screen.view.add(value);
  } finally {
    clearInterval(timer);
    screen.draw();
  }
}

/** Redraws in place. */
class Screen {
  readonly view = new TransferView();
  readonly #context: Context;
  readonly #startedAt = performance.now();
  #height = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  draw(): void {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const lines = this.view.lines(terminalColumns(1), seconds);
    const up = this.#height > 0 ? `\x1b[${this.#height}A` : "";
    this.#context.out.write(1, `${up}${lines.map((line) => `\r\x1b[2K${line}\n`).join("")}`);
    this.#height = lines.length;
  }
}
