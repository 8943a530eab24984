import type { SupervisorEvent } from "@gantry/ipc/contracts/supervisor";

/** An event as ctr prints it: time, namespace, topic and JSON. */
export function eventLine(event: SupervisorEvent): string {
  const time = event.time.replace("T", " ").replace(/Z$/, " +0000 UTC");
  return `${time} ${event.namespace} ${event.topic} ${JSON.stringify(payload(event))}`;
}

/** containerd's field names. */
function payload({ topic, id, execId, pid, exitStatus, reason }: SupervisorEvent): Record<string, unknown> {
  const rest = {
    ...(pid ? { pid } : {}),
    ...(exitStatus ? { exit_status: exitStatus } : {}),
    ...(reason ? { reason } : {}),
  };
  if (topic.startsWith("/containers/")) return { id, ...rest };
  if (topic.startsWith("/images/") || topic.startsWith("/namespaces/")) return { name: id, ...rest };
  if (topic.startsWith("/snapshot/")) return { key: id, ...rest };
  if (topic === "/tasks/exit") return { container_id: id, id: execId ?? id, ...rest };
  return { container_id: id, ...(execId === undefined ? {} : { exec_id: execId }), ...rest };
}
