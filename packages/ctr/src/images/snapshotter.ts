import type { FlagTable } from "@gantry/cli";
import { CommandError, type Context } from "../command.ts";
import type { Supervisor } from "../supervisor/connect.ts";

export const snapshotterNames = ["overlayfs", "native"] as const;
export type SnapshotterName = (typeof snapshotterNames)[number];

export const snapshotterFlag = {
  snapshotter: {
    type: "string",
    value: "NAME",
    doc: "Snapshotter (overlayfs, native); else CONTAINERD_SNAPSHOTTER, else the supervisor's own",
  },
} as const satisfies FlagTable;

/** The requested snapshotter; undefined: the supervisor's default. @throws CommandError for an unknown one */
export function chosenSnapshotter({ env }: Context, given: string | undefined): SnapshotterName | undefined {
  const text = given ?? (env["CONTAINERD_SNAPSHOTTER"] || undefined);
  if (text === undefined || text === "") return undefined;
  const name = snapshotterNames.find((known) => known === text);
  if (!name) throw new CommandError(`snapshotter "${text}": must be one of ${snapshotterNames.join(", ")}: not found`);
  return name;
}

/** The request's field for it: none for the supervisor's default. */
export function ofSnapshotter(context: Context, given: string | undefined): { snapshotter?: SnapshotterName } {
  const snapshotter = chosenSnapshotter(context, given);
  return snapshotter === undefined ? {} : { snapshotter };
}

/**
 * Images are unpacked with the supervisor's default snapshotter; another one is refused.
 * @throws CommandError
 */
export async function requireOwnSnapshotter(context: Context, supervisor: Supervisor, given: string | undefined) {
  const wanted = chosenSnapshotter(context, given);
  if (wanted === undefined) return;
  const { default: own } = await supervisor.call("snapshots.snapshotters", {});
  if (own === wanted) return;
  throw new CommandError(
    `--snapshotter ${wanted}: this supervisor unpacks images with ${own} (its flag --snapshotter)`,
  );
}
