import { defined, type FlagTable } from "@gantry/cli";
import { humanSize } from "@gantry/cli/size";
import type { Filters } from "@gantry/ipc/contracts/engine-types";
import { type Command, defineCommand } from "../command.ts";
import type { Engine } from "../engine/connect.ts";
import { confirm } from "../io/confirm.ts";
import { parseFilters } from "../parse/filters.ts";

export type PruneValues = Readonly<Record<string, unknown>>;

export interface PruneSpec {
  readonly summary: string;
  /** The filters, for the help. */
  readonly filters: string;
  readonly examples: readonly string[];
  /** Further flags. */
  readonly flags?: FlagTable;
  /** The objects that are removed, for the confirmation: "all stopped containers". */
  objects(values: PruneValues): string;
  /** Above the list of the removed objects: "Deleted Containers". */
  readonly heading: string;
  /** The filters as the engine takes them. @throws UsageError */
  convert?(filters: Filters | undefined): Filters | undefined;
  /** @returns the removed objects, and the bytes that they took where that is known */
  prune(
    engine: Engine,
    request: { Filters?: Filters },
    values: PruneValues,
  ): Promise<{ readonly deleted: readonly string[]; readonly reclaimed?: number }>;
}

/** A command that removes the unused objects of one kind, once the user has confirmed it. */
export function pruneCommand(spec: PruneSpec): Command {
  return defineCommand({
    usage: "[OPTIONS]",
    summary: spec.summary,
    flags: {
      ...spec.flags,
      filter: { type: "list", value: "KEY=VALUE", doc: `Provide filter values (${spec.filters})` },
      force: { type: "boolean", short: "f", doc: "Do not prompt for confirmation" },
    } as const satisfies FlagTable,
    args: [0, 0],
    examples: spec.examples,
    async run(context, { values }) {
      const { filter, force } = values as { filter: string[]; force: boolean };
      const parsed = parseFilters(filter);
      const filters = spec.convert ? spec.convert(parsed) : parsed;
      if (!force && !(await confirm(context, `WARNING! This will remove ${spec.objects(values)}.`))) return 0;
      const { deleted, reclaimed } = await spec.prune(await context.engine(), defined({ Filters: filters }), values);
      if (deleted.length > 0) context.out.print(`${spec.heading}:\n${deleted.join("\n")}\n`);
      if (reclaimed !== undefined) context.out.print(`Total reclaimed space: ${humanSize(reclaimed)}`);
      return 0;
    },
  });
}
