import { syncPoints } from "../../plan/op.ts";
import { stateDocument } from "../../state/lifecycle.ts";
import type { Record } from "../../state/store.ts";
import { runHooks } from "../hooks.ts";
import type { Creation } from "./creation.ts";
import { writeIdMaps, writeTimeOffsets } from "./maps.ts";

export interface Sync {
  readonly point: number;
  readonly pid: number;
  /** The helper's message at that point. */
  readonly detail: string;
}

/** The runtime's own work at a sync point of the plan; returns the standard input of the helper's hooks. */
export async function serveSync(creation: Creation, { point, pid, detail }: Sync): Promise<Uint8Array | undefined> {
  const { host, spec } = creation;
  const { linux = {} } = spec;
  const state = stateDocument({ ...creation.record, pid }, point === syncPoints.created ? "created" : "creating");
  if (point === syncPoints.maps) await writeIdMaps(host, pid, { maps: linux, field: "linux" });
  else if (point === syncPoints.offsets) writeTimeOffsets(pid, linux);
  else if (point === syncPoints.netDevices) {
    const { moveNetDevices } = await import("./net-devices.ts");
    const moved = moveNetDevices(pid, linux.netDevices ?? {});
    creation.undo.push({ back: moved.putBack, close: moved.close });
  } else if (point === syncPoints.listener) {
    const { sendListener } = await import("./listener.ts");
    sendListener(host, { pid, descriptor: detail, seccomp: linux.seccomp, state });
  } else if (point === syncPoints.created) return Buffer.from(JSON.stringify(state));
  else {
    await runHooks(host, "prestart", spec.hooks?.prestart, state);
    await runHooks(host, "createRuntime", spec.hooks?.createRuntime, state);
    return Buffer.from(JSON.stringify(state));
  }
  return undefined;
}

/** Puts the container's process into its resctrl class, where one is configured. */
export async function rdtOf({ host, spec, request, undo }: Creation, pid: number): Promise<Pick<Record, "rdt">> {
  const { intelRdt } = spec.linux ?? {};
  if (!intelRdt || !host.facts.resctrl) return {};
  const { joinRdt, leaveRdt } = await import("../limits/intel-rdt.ts");
  const { owned } = joinRdt(host.facts.resctrl, intelRdt, { id: request.id, pid });
  undo.push({ back: () => leaveRdt(owned) });
  return { rdt: owned };
}
