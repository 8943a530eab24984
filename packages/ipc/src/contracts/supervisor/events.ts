import * as v from "valibot";
import { empty, exitStatus, identifier, integer, timestamp } from "../common.ts";
import { stream } from "../define.ts";

/** containerd's topics; `sequence` counts up without gaps while a supervisor's state lives. */
export const supervisorEvent = v.object({
  sequence: integer,
  time: timestamp,
  namespace: v.string(),
  topic: v.picklist([
    "/containers/create",
    "/containers/update",
    "/containers/delete",
    "/images/create",
    "/images/update",
    "/images/delete",
    "/snapshot/prepare",
    "/snapshot/commit",
    "/snapshot/remove",
    "/tasks/create",
    "/tasks/start",
    "/tasks/exit",
    "/tasks/delete",
    "/tasks/oom",
    "/tasks/paused",
    "/tasks/resumed",
    "/tasks/checkpointed",
    "/tasks/exec-added",
    "/tasks/exec-started",
    "/namespaces/create",
    "/namespaces/update",
    "/namespaces/delete",
  ]),
  /** Container, image name, snapshot key or namespace, by topic. */
  id: v.string(),
  execId: v.optional(v.string()),
  pid: v.optional(integer),
  exitStatus: v.optional(exitStatus),
  /** Why, where the exit status does not tell: the shim died. */
  reason: v.optional(v.string()),
});
export type SupervisorEvent = v.InferOutput<typeof supervisorEvent>;

export const events = {
  "events.subscribe": stream({
    doc: "Events from a sequence number on (0: from now), then as they come. FailedPrecondition names the oldest kept when `from` is older.",
    request: v.object({ namespace: v.optional(identifier), from: integer }),
    item: supervisorEvent,
    input: v.never(),
    reply: empty,
  }),
};
