import type { Target } from "@gantry/cli/output";
import { isTerminal, terminalColumns } from "@gantry/cli/terminal";
import type { Message } from "@gantry/ipc";
import type { Context } from "../command.ts";
import { type ProgressItem, plainProgress, terminalProgress } from "../format/progress.ts";

/** Shows the steps of a stream until it ends. */
export async function showProgress(
  context: Context,
  items: AsyncIterable<Message<ProgressItem>>,
  { target, quiet, skip }: { target: Target; quiet: boolean; skip?: (item: ProgressItem) => boolean },
): Promise<void> {
  const view = isTerminal(target) ? terminalProgress(terminalColumns(target)) : plainProgress();
  for await (const { value } of items) {
    if (quiet || skip?.(value)) continue;
    const text = view.show(value);
    if (text !== "") await context.out.write(target, text);
  }
}
