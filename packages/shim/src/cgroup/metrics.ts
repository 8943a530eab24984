import { RpcError } from "@gantry/ipc";
import type { Metrics } from "@gantry/ipc/contracts/common";
import type { Cgroup } from "./cgroup.ts";
import { metricsV1 } from "./metrics-v1.ts";
import { metricsV2 } from "./metrics-v2.ts";

/** The figures that the kernel keeps of a container. @throws RpcError FailedPrecondition when its cgroup is not known */
export function readMetrics(cgroup: Cgroup | undefined, timestamp: string): Metrics {
  if (!cgroup) throw new RpcError("FailedPrecondition", "the container's cgroup is gone");
  const data = cgroup.version === 1 ? metricsV1(cgroup) : metricsV2(cgroup);
  return { timestamp, cgroupVersion: cgroup.version, data };
}
