import { messageOf } from "@gantry/common/error-message";
import { parseTimestamp, parseUnixTime } from "@gantry/common/timestamp";
import { isRpcError } from "@gantry/ipc";
import type { Filters } from "@gantry/ipc/contracts/engine-types";
import { invalid } from "../base/errors.ts";
import { checkFilters, matchesLabels } from "../base/filters.ts";
import type { Container } from "./container.ts";
import { statusOf } from "./document.ts";
import { type RemoveDeps, removeContainer } from "./lifecycle/remove.ts";

/**
 * `container prune`: removes the containers that do not run, without their volumes. One that is started or removed
 * meanwhile is left out.
 * @throws RpcError InvalidArgument for an unknown filter or a wrong value
 */
export async function pruneContainers(deps: RemoveDeps, filters: Filters) {
  checkFilters(filters, ["label", "label!", "until"]);
  const until = untilOf(filters);
  const ContainersDeleted: string[] = [];
  let SpaceReclaimed = 0;
  for (const container of deps.registry.all()) {
    if (!isPrunable(container, filters, until)) continue;
    const size = await deps.rootfs.size(container.id).catch(() => 0);
    if (!(await removeStopped(deps, container))) continue;
    ContainersDeleted.push(container.id);
    SpaceReclaimed += size;
  }
  deps.events.emit("container", "prune", "", { reclaimed: String(SpaceReclaimed) });
  return { ContainersDeleted, SpaceReclaimed };
}

function untilOf({ until = [] }: Filters): bigint | undefined {
  const [text, ...more] = until;
  if (more.length > 0) throw invalid("more than one until filter specified");
  if (text === undefined) return undefined;
  const ns = parseUnixTime(text);
  if (ns === undefined)
    throw invalid(`invalid filter 'until=${text}': must be Unix seconds, with or without a fraction`);
  return ns;
}

function isPrunable({ document }: Container, filters: Filters, until: bigint | undefined): boolean {
  if (!["created", "exited", "dead"].includes(statusOf(document))) return false;
  if (until !== undefined && (parseTimestamp(document.created) ?? 0n) > until) return false;
  const labels = document.config.Labels ?? {};
  if (!matchesLabels(labels, filters["label"] ?? [])) return false;
  return !(filters["label!"] ?? []).some((label) => matchesLabels(labels, [label]));
}

/** False for one that runs by now, is being removed, or cannot be removed. */
async function removeStopped(deps: RemoveDeps, container: Container): Promise<boolean> {
  try {
    await removeContainer(deps, container, { force: false, volumes: false });
    return true;
  } catch (error) {
    const isExpected = isRpcError(error, "FailedPrecondition") || isRpcError(error, "NotFound");
    if (!isExpected) deps.log.warn({ id: container.id, error: messageOf(error) }, "pruning a container");
    return false;
  }
}
