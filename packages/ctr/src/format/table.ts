import { alignTabs, type ColumnStyle } from "@gantry/cli/tabwriter";

/** Styles of ctr's tables. */
export const tight = { minWidth: 1, padding: 1 } as const satisfies ColumnStyle;
export const wide = { minWidth: 4, padding: 4 } as const satisfies ColumnStyle;
export const tabbed = { minWidth: 1, padding: 1, tabs: true } as const satisfies ColumnStyle;

/** Rows in aligned columns, each line with its end; every cell is padded, the last one too. */
export function table(rows: readonly (readonly string[])[], style: ColumnStyle): string {
  return alignTabs(rows.map((cells) => `${cells.map((cell) => `${cell}\t`).join("")}\n`).join(""), style);
}

/** The same, but the last cell is not padded. */
export function looseTable(rows: readonly (readonly string[])[], style: ColumnStyle): string {
  return alignTabs(rows.map((cells) => `${cells.join("\t")}\n`).join(""), style);
}
