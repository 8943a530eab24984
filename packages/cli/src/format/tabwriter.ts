import { displayWidth } from "./display-width.ts";

export interface ColumnStyle {
  /** Least width of a column, its padding included. */
  readonly minWidth: number;
  /** Least distance to the next column. */
  readonly padding: number;
  /** Columns are filled with tabs, eight wide, instead of blanks. */
  readonly tabs?: boolean;
}

const tabWidth = 8;

/**
 * Aligns the tab-terminated cells of lines as Go's text/tabwriter does;
 * text after a line's last tab is not a cell.
 */
export function alignTabs(text: string, style: ColumnStyle): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths = columnWidths(lines, style);
  return lines
    .map((cells, row) =>
      cells
        .map((cell, column) => {
          const width = column === cells.length - 1 ? 0 : (widths[row]?.[column] ?? 0);
          const missing = Math.max(0, width - displayWidth(cell));
          return cell + (style.tabs ? "\t".repeat(Math.ceil(missing / tabWidth)) : " ".repeat(missing));
        })
        .join(""),
    )
    .join("\n");
}

/** A column is a run of neighbouring lines that have a cell there. */
function columnWidths(lines: readonly (readonly string[])[], { minWidth, padding, tabs }: ColumnStyle): number[][] {
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
      if (tabs) width = Math.ceil(width / tabWidth) * tabWidth;
      for (let at = row; at < end; at++) (widths[at] as number[])[column] = width;
      row = Math.max(end, row + 1);
    }
  }
  return widths;
}
