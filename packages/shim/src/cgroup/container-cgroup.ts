import type { Metrics } from "@gantry/ipc/contracts/common";
import type { NativeSys } from "@gantry/native-sys";
import { type Cgroup, cgroupOf } from "./cgroup.ts";
import { readMetrics } from "./metrics.ts";
import { OomWatch } from "./oom.ts";

/** The cgroup of a container: its figures, and its processes killed for lack of memory. */
export class ContainerCgroup {
  #cgroup: Cgroup | undefined;
  #oom: OomWatch | undefined;

  /** Watches the cgroup of the container's first process. */
  watch(sys: NativeSys, pid: number, onOom: () => void): void {
    this.#cgroup = cgroupOf(pid);
    this.#oom = new OomWatch(sys, this.#cgroup, onOom);
  }

  /** Reports a kill that was not reported yet: before the exit of the process. */
  checkOom(): void {
    this.#oom?.check();
  }

  /** @throws RpcError FailedPrecondition when the cgroup is unknown */
  metrics(pid: number, now: string): Metrics {
    this.#cgroup ??= cgroupOf(pid);
    return readMetrics(this.#cgroup, now);
  }

  close(): void {
    this.#oom?.close();
  }
}
