import { defined, type FlagTable } from "@gantry/cli";
import type { Filters } from "@gantry/ipc/contracts/engine-types";
import { type Command, defineCommand } from "../command.ts";
import { type FormatSetting, listFormat } from "../config/settings.ts";
import type { Engine } from "../engine/connect.ts";
import { type ListFormat, renderList } from "../format/list.ts";
import { naturalOrder } from "../format/text.ts";
import { parseFilters } from "../parse/filters.ts";

export interface ListSpec<T> {
  /** The objects' name in the plural: "volumes". */
  readonly objects: string;
  /** The values that --quiet shows: "volume names". */
  readonly quiet: string;
  /** The configuration's setting of the format. */
  readonly setting: FormatSetting;
  /** An example of --filter. */
  readonly filter: string;
  /** Further flags. */
  readonly flags: FlagTable;
  load(engine: Engine, request: { Filters?: Filters }): Promise<readonly T[]>;
  format(values: Readonly<Record<string, unknown>>): ListFormat<T>;
}

/** A command that lists the named objects of one kind, in the order of their names. */
export function listCommand<T extends { readonly Name: string }>(spec: ListSpec<T>): Command {
  return defineCommand({
    usage: "[OPTIONS]",
    summary: `List ${spec.objects}`,
    flags: {
      filter: { type: "list", short: "f", value: "KEY=VALUE", doc: `Provide filter values (${spec.filter})` },
      format: { type: "string", value: "FORMAT", doc: "Format output: table, table TEMPLATE, json or a Go template" },
      ...spec.flags,
      quiet: { type: "boolean", short: "q", doc: `Only display ${spec.quiet}` },
    } as const satisfies FlagTable,
    args: [0, 0],
    examples: ["", `-q --filter ${spec.filter}`],
    async run(context, { values }) {
      const { filter, format, quiet } = values as { filter: string[]; format?: string; quiet: boolean };
      const wanted = await listFormat(context, { format, quiet }, spec.setting);
      const engine = await context.engine();
      const found = await spec.load(engine, defined({ Filters: parseFilters(filter) }));
      const sorted = found.toSorted((a, b) => naturalOrder(a.Name, b.Name));
      context.out.write(1, renderList(sorted, spec.format(values), { format: wanted, quiet }));
      return 0;
    },
  });
}
