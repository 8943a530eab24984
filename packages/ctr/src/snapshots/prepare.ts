import { resolve } from "node:path";
import type { FlagTable, Parsed } from "@gantry/cli";
import type { Context } from "../command.ts";
import { mountCommands, mountsJson } from "../format/mounts.ts";
import { ofSnapshotter, snapshotterFlag } from "../images/snapshotter.ts";

/** Flags of prepare and view. */
export const prepareFlags = {
  target: { type: "string", short: "t", value: "PATH", doc: "Print the command that mounts it on a path" },
  mounts: { type: "boolean", doc: "Print the mounts as JSON" },
  ...snapshotterFlag,
} as const satisfies FlagTable;

/** Creates an active snapshot or a view, and prints how to mount it on request. */
export async function prepareSnapshot(
  context: Context,
  method: "snapshots.prepare" | "snapshots.view",
  { values, args: [key = "", parent = ""] }: Parsed<typeof prepareFlags>,
): Promise<number> {
  const { namespace, out, cwd } = context;
  const request = { namespace, key, parent, ...ofSnapshotter(context, values.snapshotter) };
  const supervisor = await context.supervisor();
  const { mounts } = await supervisor.call(method, request);
  if (values.target !== undefined) {
    for (const line of mountCommands(mounts, resolve(cwd, values.target))) out.print(line);
  }
  if (values.mounts) out.print(mountsJson(mounts));
  return 0;
}
