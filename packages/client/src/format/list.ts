import { alignTabs } from "@gantry/cli/tabwriter";
import { compileTemplate } from "./template/index.ts";
import { toJson } from "./template/json.ts";
import { markMap, type StructView, structView } from "./template/values.ts";
import { columnStyle } from "./text.ts";

/** A column of a list. */
export interface Column<T> {
  readonly header: string;
  readonly value: (item: T) => unknown;
}

/** The columns and formats of a list, by the names that --format uses. */
export interface ListFormat<T> {
  /** Go's name of the type, for error messages. */
  readonly typeName: string;
  readonly columns: Readonly<Record<string, Column<T>>>;
  /** Functions of an item that take arguments, such as Label. */
  readonly methods?: Readonly<Record<string, (item: T) => (argument: unknown) => unknown>>;
  /** The format without --format. */
  readonly standard: string;
  /** The format with -q. */
  readonly quiet: string;
  /** -q takes precedence over a template. */
  readonly quietOnly?: boolean;
  /** The format `raw`, and the same with -q. */
  readonly raw?: string;
  readonly rawQuiet?: string;
}

/** A template's check before the engine is called, as docker has it for `ps`. @throws CommandError */
export function checkListTemplate<T>(format: string | undefined, list: ListFormat<T>): void {
  if (format === undefined) return;
  const columns = Object.keys(list.columns).map((name): [string, () => unknown] => [name, () => ""]);
  const methods = Object.keys(list.methods ?? {}).map((name): [string, () => unknown] => [name, () => () => ""]);
  const prefixes = { syntaxPrefix: "failed to parse template: ", execPrefix: "failed to execute template: " };
  compileTemplate(format, prefixes).render(structView(list.typeName, Object.fromEntries([...columns, ...methods])));
}

/**
 * Renders a list as docker does: its standard table, `table TEMPLATE`, a Go template per item, `json`.
 * @throws CommandError of a wrong template
 */
export function renderList<T>(
  items: readonly T[],
  list: ListFormat<T>,
  { format, quiet }: { readonly format?: string | undefined; readonly quiet?: boolean | undefined },
): string {
  const wanted = resolveFormat(list, format, quiet ?? false);
  if (wanted === "json") return items.map((item) => `${toJson(itemView(item, list))}\n`).join("");
  const isTable = wanted.startsWith("table");
  const source = (isTable ? wanted.slice("table".length) : wanted)
    .replace(/^ +| +$/g, "")
    .replaceAll("\\t", "\t")
    .replaceAll("\\n", "\n");
  const template = compileTemplate(source);
  const lines = items.map((item) => `${template.render(itemView(item, list))}\n`);
  if (!isTable) return lines.join("");
  return alignTabs([`${template.renderHeader(headerView(list))}\n`, ...lines].join(""), columnStyle);
}

function resolveFormat<T>(list: ListFormat<T>, format: string | undefined, quiet: boolean): string {
  if (format === undefined || format === "" || format === "table") return quiet ? list.quiet : list.standard;
  if (format === "raw" && list.raw !== undefined) return (quiet ? list.rawQuiet : undefined) ?? list.raw;
  return quiet && list.quietOnly ? list.quiet : format;
}

function itemView<T>(item: T, list: ListFormat<T>): StructView {
  const fields = Object.entries(list.columns).map(([name, column]): [string, () => unknown] => [
    name,
    () => column.value(item),
  ]);
  const methods = Object.entries(list.methods ?? {}).map(([name, method]): [string, () => unknown] => [
    name,
    () => method(item),
  ]);
  return structView(list.typeName, Object.fromEntries([...fields, ...methods]));
}

function headerView<T>(list: ListFormat<T>): Record<string, unknown> {
  const headers = Object.entries(list.columns).map(([name, column]) => [name, column.header]);
  const methods = Object.keys(list.methods ?? {}).map((name) => [name, labelHeader]);
  return markMap(Object.fromEntries([...headers, ...methods]) as Record<string, unknown>);
}

/** A label's column is headed by the last part of its name. */
function labelHeader(name: unknown): string {
  return String(name).split(".").at(-1)?.replace(/[-_]/g, " ") ?? "";
}
