import { cgroupManager } from "../../cgroup/manager.ts";
import type { Host } from "../../host.ts";
import { demand, statusOf } from "../../state/lifecycle.ts";
import type { Store } from "../../state/store.ts";

/** Freezes all processes. @throws ContainerError */
export async function pauseContainer(host: Host, store: Store, id: string): Promise<void> {
  await setFrozen(host, store, { id, frozen: true });
}

/** Thaws them. @throws ContainerError */
export async function resumeContainer(host: Host, store: Store, id: string): Promise<void> {
  await setFrozen(host, store, { id, frozen: false });
}

async function setFrozen(host: Host, store: Store, { id, frozen }: { id: string; frozen: boolean }): Promise<void> {
  const record = store.load(id);
  demand(frozen ? "pause" : "resume", statusOf(store, record, host.facts), id);
  await cgroupManager(host.facts, record.cgroups).freeze(frozen);
  host.debug?.(`cgroup: ${frozen ? "froze" : "thawed"} the processes of ${id}`);
}
