import { displayWidth } from "./text.ts";

const minWidth = 10;
const padding = 3;

/**
 * Aligns the tab-terminated cells of lines as Go's text/tabwriter does with docker's settings:
 * three blanks between columns, at least ten wide; what follows a line's last tab is not a cell.
 */
export function alignTabs(text: string): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths = columnWidths(lines);
  return lines
    .map((cells, row) =>
      cells
        .map((cell, column) => {
          const width = column === cells.length - 1 ? 0 : (widths[row]?.[column] ?? 0);
          return cell + " ".repeat(Math.max(0, width - displayWidth(cell)));
        })
        .join(""),
    )
    .join("\n");
}

/** A column is a run of neighbouring lines that have a cell there. */
function columnWidths(lines: readonly (readonly string[])[]): number[][] {
  const widths: number[][] = lines.map(() => []);
  const most = Math.max(0, ...lines.map((cells) => cells.length - 1));
  for (let column = 0; column < most; column++) {
    for (let row = 0; row < lines.length; ) {
      let end = row;
      let width = minWidth;
      while (end < lines.length && column < (lines[end]?.length ?? 0) - 1) {
        width = Math.max(width, displayWidth(lines[end]?.[column] ?? "") + padding);
        end++;
      }
      for (let at = row; at < end; at++) (widths[at] as number[])[column] = width;
      row = Math.max(end, row + 1);
    }
  }
  return widths;
}
