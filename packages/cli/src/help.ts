import type { Flag, FlagTable } from "./flags.ts";

/** The parts of a help text. */
export interface HelpText {
  /** The usage line without "Usage:". */
  readonly usage: string;
  /** Description of the command, one sentence or a few. */
  readonly summary: string;
  /** Commands by group title: name and one line each. */
  readonly groups?: readonly {
    readonly title: string;
    readonly commands: readonly (readonly [name: string, doc: string])[];
  }[];
  readonly flags?: FlagTable;
  /** Complete command lines. */
  readonly examples: readonly string[];
  /** Last line or lines. */
  readonly footer?: string;
}

/** Renders a help text, ending in a newline. */
export function formatHelp(help: HelpText): string {
  const parts = [`Usage:  ${help.usage}`, help.summary];
  for (const group of help.groups ?? []) parts.push(`${group.title}:\n${columns(group.commands)}`);
  const flags = Object.entries(help.flags ?? {}).filter(([, flag]) => !flag.hidden);
  if (flags.length > 0)
    parts.push(`Options:\n${columns(flags.map(([name, flag]) => [flagColumn(name, flag), flagDoc(flag)]))}`);
  parts.push(`Examples:\n${help.examples.map((line) => `  ${line}`).join("\n")}`);
  if (help.footer) parts.push(help.footer);
  return `${parts.join("\n\n")}\n`;
}

function flagColumn(name: string, flag: Flag): string {
  const short = flag.short ? `-${flag.short}, ` : "    ";
  return `${short}--${name}${flag.type === "boolean" ? "" : ` ${flag.value}`}`;
}

function flagDoc(flag: Flag): string {
  const standard =
    flag.type === "list" || flag.default === undefined || flag.default === false ? "" : ` (default ${flag.default})`;
  return `${flag.doc}${standard}`;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}   ${right}`.trimEnd()).join("\n");
}
