import { conflict, notFound } from "../../base/errors.ts";
import type { Container } from "../container.ts";
import { type Status, statusOf } from "../document.ts";

export type Verb =
  | "start"
  | "stop"
  | "kill"
  | "restart"
  | "pause"
  | "unpause"
  | "remove"
  | "forceRemove"
  | "attach"
  | "exec"
  | "join"
  | "top"
  | "resize"
  | "commit"
  | "logs"
  | "connect"
  | "rename"
  | "wait";

/** A verb is performed, has nothing to do, or is refused with this message. */
type Rule = "perform" | "skip" | ((container: Subject) => string);

/** The names that messages need. */
interface Subject {
  readonly id: string;
  readonly name: string;
}

const notRunning: Rule = ({ id }) => `container ${id} is not running`;
const cannotKill: Rule = ({ id, name }) => `cannot kill container: ${name}: container ${id} is not running`;
const restarting: Rule = ({ id }) => `Container ${id} is restarting, wait until the container is running`;
const cannotPause: Rule = ({ id }) => `Container ${id} is not running`;
const notPaused: Rule = ({ id }) => `Container ${id} is not paused`;
const removing: Rule = ({ id }) => `removal of container ${id} is already in progress`;
const marked: Rule = () => "container is marked for removal and cannot be started";
const noLogs: Rule = () => "can not get logs from container which is dead or marked for removal";
const noNetwork: Rule = ({ id }) =>
  `Container ${id} is marked for removal and cannot be connected or disconnected to the network`;

function stillUp(status: string, advice: string): Rule {
  return ({ name }) =>
    `cannot remove container "/${name}": container is ${status}: ${advice} before removing or force remove`;
}

/** Verbs that need the container's processes. */
const whileItHasProcesses: Readonly<Record<Status, Rule>> = {
  created: notRunning,
  running: "perform",
  paused: "perform",
  restarting,
  exited: notRunning,
  removing: notRunning,
  dead: notRunning,
};

/**
 * The rule for each verb in each state; the messages are Docker's. A start that is under way has no
 * state of its own: every verb waits for it.
 */
const table: Readonly<Record<Verb, Readonly<Record<Status, Rule>>>> = {
  start: {
    created: "perform",
    running: "skip",
    paused: () => "cannot start a paused container, try unpause instead",
    restarting: "skip",
    exited: "perform",
    removing: marked,
    dead: marked,
  },
  stop: {
    created: "skip",
    running: "perform",
    paused: "perform",
    restarting: "perform",
    exited: "skip",
    removing: "skip",
    dead: "skip",
  },
  kill: {
    created: cannotKill,
    running: "perform",
    paused: "perform",
    restarting: "perform",
    exited: cannotKill,
    removing: cannotKill,
    dead: cannotKill,
  },
  restart: {
    created: "perform",
    running: "perform",
    paused: "perform",
    restarting: "perform",
    exited: "perform",
    removing: marked,
    dead: marked,
  },
  pause: {
    created: cannotPause,
    running: "perform",
    paused: ({ id }) => `Container ${id} is already paused`,
    restarting,
    exited: cannotPause,
    removing: cannotPause,
    dead: cannotPause,
  },
  unpause: {
    created: notPaused,
    running: notPaused,
    paused: "perform",
    restarting: notPaused,
    exited: notPaused,
    removing: notPaused,
    dead: notPaused,
  },
  remove: {
    created: "perform",
    running: stillUp("running", "stop the container"),
    paused: stillUp("paused", "unpause and then stop the container"),
    restarting: stillUp("restarting", "stop the container"),
    exited: "perform",
    removing,
    dead: "perform",
  },
  forceRemove: {
    created: "perform",
    running: "perform",
    paused: "perform",
    restarting: "perform",
    exited: "perform",
    removing,
    dead: "perform",
  },
  attach: {
    created: "perform",
    running: "perform",
    paused: () => "You cannot attach to a paused container, unpause it first",
    restarting: () => "You cannot attach to a restarting container, wait until it is running",
    exited: "perform",
    removing: ({ id }) => `container ${id} is marked for removal`,
    dead: ({ id }) => `container ${id} is marked for removal`,
  },
  exec: {
    created: notRunning,
    running: "perform",
    paused: ({ name }) => `container ${name} is paused, unpause the container before exec`,
    restarting,
    exited: notRunning,
    removing: notRunning,
    dead: notRunning,
  },
  join: whileItHasProcesses,
  top: whileItHasProcesses,
  resize: {
    created: notRunning,
    running: "perform",
    paused: "perform",
    restarting: notRunning,
    exited: notRunning,
    removing: notRunning,
    dead: notRunning,
  },
  commit: {
    created: "perform",
    running: "perform",
    paused: "perform",
    restarting: "perform",
    exited: "perform",
    removing: ({ id }) => `You cannot commit container ${id} which is being removed`,
    dead: ({ id }) => `You cannot commit container ${id} which is Dead`,
  },
  logs: {
    created: "perform",
    running: "perform",
    paused: "perform",
    restarting: "perform",
    exited: "perform",
    removing: noLogs,
    dead: noLogs,
  },
  connect: {
    created: "perform",
    running: "perform",
    paused: "perform",
    restarting: "perform",
    exited: "perform",
    removing: noNetwork,
    dead: noNetwork,
  },
  rename: {
    created: "perform",
    running: "perform",
    paused: "perform",
    restarting: "perform",
    exited: "perform",
    removing,
    dead: "perform",
  },
  wait: {
    created: "perform",
    running: "perform",
    paused: "perform",
    restarting: "perform",
    exited: "perform",
    removing: "perform",
    dead: "perform",
  },
};

/**
 * Looks a verb up for a container's present state. The caller holds the container's lock.
 * @returns "skip" when the container is already in the state that the verb leads to
 * @throws RpcError FailedPrecondition with Docker's message, NotFound for a container that is gone
 */
export function admit(verb: Verb, container: Container): "perform" | "skip" {
  const { document, lifecycle } = container;
  if (lifecycle.isRemoved) throw notFound(`No such container: ${document.id}`);
  const rule = table[verb][statusOf(document)];
  if (typeof rule === "function") throw conflict(rule(document));
  return rule;
}
