import { formatHelp } from "@gantry/cli";
import type { Command } from "../command.ts";
import { type Entry, entries, nouns } from "../commands/table.ts";
import { globalFlags } from "../global-flags.ts";

/** `client --help` */
export function rootHelp(): string {
  return formatHelp({
    usage: "client [OPTIONS] COMMAND",
    summary: "Runs and manages containers",
    groups: [
      { title: "Common Commands", commands: shortForms(({ common }) => common === true) },
      { title: "Management Commands", commands: nouns },
      { title: "Commands", commands: shortForms(({ common }) => common !== true).sort(byName) },
    ],
    flags: globalFlags,
    examples: [
      "client run --rm busybox echo hello",
      "client run -d -p 8080:80 --name web nginx",
      "client exec -it web sh",
    ],
    footer: "Run 'client COMMAND --help' for more information on a command.",
  });
}

/** `client NOUN --help` */
export function nounHelp(noun: string): string {
  const summary = nouns.find(([name]) => name === noun)?.[1] ?? "";
  const commands = entries.filter((entry) => entry.noun === noun).map(({ verb, summary: doc }) => [verb, doc] as const);
  return formatHelp({
    usage: `client ${noun} COMMAND`,
    summary,
    groups: [{ title: "Commands", commands }],
    examples: [`client ${noun} ${commands.find(([verb]) => verb === "ls")?.[0] ?? commands[0]?.[0]}`],
    footer: `Run 'client ${noun} COMMAND --help' for more information on a command.`,
  });
}

/** `client … COMMAND --help` */
export function commandHelp(command: Command, name: string, entry: Entry): string {
  const aliases = aliasesOf(entry, name);
  return formatHelp({
    usage: usageLine(command, name),
    summary: command.summary,
    groups: aliases.length > 0 ? [{ title: "Aliases", commands: [[aliases.join(", "), ""]] }] : [],
    flags: command.flags,
    examples: command.examples.map((example) => `client ${name} ${example}`.trimEnd()),
  });
}

export function usageLine(command: Command, name: string): string {
  return `client ${name} ${command.usage}`.trimEnd();
}

function aliasesOf({ noun, verb, also, short }: Entry, name: string): string[] {
  const long = noun === "" ? [] : [verb, ...(also ?? [])].map((name) => `${noun} ${name}`);
  return [...long, ...(short ?? [])].filter((alias) => alias !== name).map((alias) => `client ${alias}`);
}

function shortForms(wanted: (entry: Entry) => boolean): (readonly [string, string])[] {
  return entries
    .filter((entry) => wanted(entry) && entry.short?.[0])
    .map(({ short, summary }) => [short?.[0] ?? "", summary]);
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}
