import { humanSize } from "@gantry/cli/size";

/** One step of a pull or load. */
export interface ProgressItem {
  readonly id?: string | undefined;
  readonly status: string;
  readonly current?: number | undefined;
  readonly total?: number | undefined;
}

/** Turns steps into text. */
export interface ProgressView {
  show(item: ProgressItem): string;
}

/** For a pipe or file: a line per step, without the bars. */
export function plainProgress(): ProgressView {
  return { show: (item) => (bar(item, 0) === "" ? `${prefix(item)}${item.status}\n` : "") };
}

/** For a terminal: a line per layer, redrawn in place. */
export function terminalProgress(columns: number): ProgressView {
  const rows = new Map<string, number>();
  return {
    show(item) {
      const drawn = bar(item, columns);
      const line = `${prefix(item)}${item.status}${drawn === "" ? "" : ` ${drawn}`}`;
      if (item.id === undefined) {
        rows.clear();
        return `${line}\n`;
      }
      const row = rows.get(item.id);
      if (row === undefined) {
        rows.set(item.id, rows.size);
        return `${line}\n`;
      }
      const up = rows.size - row;
      return `\x1b[${up}A\x1b[2K\r${line}\r\x1b[${up}B`;
    },
  };
}

function prefix({ id }: ProgressItem): string {
  return id === undefined ? "" : `${id}: `;
}

const barWidth = 50;
const wideTerminal = 110;

/** "[=====>     ]  1.2MB/3.4MB"; empty for a step without numbers. */
function bar({ current = 0, total = 0 }: ProgressItem, columns: number): string {
  if (current <= 0 && total <= 0) return "";
  const done = humanSize(current).padStart(8);
  if (total <= 0) return done;
  const filled = Math.min(barWidth, Math.floor((current / total) * barWidth));
  const drawn = `[${"=".repeat(filled)}>${" ".repeat(Math.max(0, barWidth - filled))}] `;
  return `${columns > wideTerminal ? drawn : ""}${done}/${humanSize(total)}`;
}
