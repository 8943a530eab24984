import * as v from "valibot";
import { document, empty, exitStatus, firstEvent, identifier, integer, timestamp } from "../common.ts";
import { call, stream } from "../define.ts";
import { filters } from "./filters.ts";
import { inNamespace } from "./scope.ts";

/** containerd's topics that the supervisor itself publishes. */
export const supervisorTopics = [
  "/containers/create",
  "/containers/update",
  "/containers/delete",
  "/images/create",
  "/images/update",
  "/images/delete",
  "/content/delete",
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
] as const;
export type SupervisorTopic = (typeof supervisorTopics)[number];

const topic = v.pipe(
  v.string(),
  v.regex(/^(\/[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*)+$/, "must be names with / before each, such as /tasks/start"),
  v.maxLength(1024),
);

/** `sequence` counts up without gaps while a supervisor's state lives. */
export const supervisorEvent = v.object({
  sequence: integer,
  time: timestamp,
  namespace: v.string(),
  /** One of `supervisorTopics`, or the topic that a caller of events.publish gave. */
  topic,
  /** Container, image name, digest, snapshot key or namespace, by topic. */
  id: v.string(),
  execId: v.optional(v.string()),
  pid: v.optional(integer),
  exitStatus: v.optional(exitStatus),
  /** Cause, where the exit status does not show it: the shim died. */
  reason: v.optional(v.string()),
  /** Data of an event that a client published. */
  data: v.optional(document),
});
export type SupervisorEvent = v.InferOutput<typeof supervisorEvent>;

export const events = {
  "events.subscribe": stream({
    doc: "Events from a sequence number on (0: all that are kept; absent: new events only), then as they are published. FailedPrecondition names the oldest kept when `from` is older. Filters match topic, namespace and the event's fields as event.id, event.pid, ….",
    request: v.object({ namespace: v.optional(identifier), from: firstEvent, filters }),
    item: supervisorEvent,
    input: v.never(),
    reply: empty,
  }),
  "events.publish": call({
    doc: "Publishes an event to all subscribers.",
    request: v.object({
      ...inNamespace,
      topic,
      /** The object that the event is about. */
      id: v.optional(v.string()),
      data: v.optional(document),
    }),
    reply: v.object({ sequence: integer }),
  }),
};
