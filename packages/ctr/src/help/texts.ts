import { formatHelp } from "@gantry/cli";
import type { Command } from "../command.ts";
import { type Noun, nouns, topLevel } from "../commands/table.ts";
import { globalFlags } from "../global-flags.ts";

/** `ctr --help` */
export function rootHelp(): string {
  return formatHelp({
    usage: "ctr [OPTIONS] COMMAND",
    summary: "Works with a supervisor: images, snapshots, containers and their tasks, namespace by namespace",
    groups: [
      { title: "Management Commands", commands: nouns.map((noun) => [names(noun), noun.summary] as const) },
      { title: "Commands", commands: topLevel.map((entry) => [names(entry), entry.summary] as const) },
    ],
    flags: globalFlags,
    examples: [
      "ctr images pull docker.io/library/busybox:latest",
      "ctr run --rm -t docker.io/library/busybox:latest shell sh",
      "ctr -n team tasks ls",
    ],
    footer: "Run 'ctr COMMAND --help' for more information on a command.",
  });
}

/** `ctr NOUN --help` */
export function nounHelp(noun: Noun): string {
  return formatHelp({
    usage: `ctr ${noun.name} COMMAND`,
    summary: noun.summary,
    groups: [{ title: "Commands", commands: noun.verbs.map((entry) => [names(entry), entry.summary] as const) }],
    examples: [
      `ctr ${noun.name} ${noun.verbs.some(({ name }) => name === "list") ? "ls" : `${noun.verbs[0]?.name} --help`}`,
    ],
    footer: `Run 'ctr ${noun.name} COMMAND --help' for more information on a command.`,
  });
}

/** `ctr … COMMAND --help` */
export function commandHelp(command: Command, name: string): string {
  return formatHelp({
    usage: `${name} ${command.usage}`.trimEnd(),
    summary: command.summary,
    flags: command.flags,
    examples: command.examples.map((example) => `${name} ${example}`.trimEnd()),
  });
}

function names({ name, also }: { readonly name: string; readonly also?: readonly string[] }): string {
  return [name, ...(also ?? [])].join(", ");
}
