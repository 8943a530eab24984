import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Handlers, InputOf, ItemOf, StreamContext } from "@gantry/ipc";
import { EventLog, RpcError, serve } from "@gantry/ipc";
import type { Stdio } from "@gantry/ipc/contracts/common";
import { type SupervisorEvent, supervisorContract } from "@gantry/ipc/contracts/supervisor";
import { normalizeReference } from "@gantry/oci-spec";
import { type Image, imageHandlers, standInImage } from "./stand-in-images.ts";

type Methods = (typeof supervisorContract)["methods"];
type Attach = StreamContext<ItemOf<Methods["tasks.attach"]>, InputOf<Methods["tasks.attach"]>>;

/**
 * A supervisor that holds everything in memory and runs a container's command as a plain process of this machine. It
 * implements the contract, independently of the real supervisor.
 */
export interface StandIn {
  readonly endpoint: string;
  readonly images: Map<string, Image>;
  /** The last specs of containers.create and update, by id. */
  readonly specs: Map<string, Record<string, unknown>>;
  readonly snapshots: Map<string, { key: string; labels: Record<string, string> }>;
  readonly users: Map<string, string>;
  /** Called before a method's handler, which does not run when the hook throws. */
  readonly hooks: Map<string, Hook>;
  /** Root file system that all containers have. */
  sharedRootfs(): string;
  /** Ids of containers that have a task. */
  tasks(): string[];
  /** True once the end of a task's process is recorded. */
  ended(id: string): boolean;
  /** How many are attached to a task. */
  attached(id: string): number;
  /** Loses a task, and its process with it, as a reboot would. */
  forget(id: string): void;
  /** Ends the server; processes go on, as with a real one. */
  stop(): Promise<void>;
  /** Serves again. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export type Hook = (request: { readonly [field: string]: unknown }) => Promise<void>;

class Process {
  status: "created" | "running" | "paused" | "stopped" = "created";
  child: ChildProcess | undefined;
  readonly attached = new Set<Attach>();
  exit: { exitStatus: number; exitedAt: string } | undefined;
  ended: (exit: { exitStatus: number; exitedAt: string }) => void = () => {};
  readonly finished = new Promise<{ exitStatus: number; exitedAt: string }>((resolve) => {
    this.ended = resolve;
  });
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly stdio: Stdio;

  constructor(args: readonly string[], env: readonly string[], stdio: Stdio) {
    this.args = args;
    this.env = env;
    this.stdio = stdio;
  }
}

/** Starts one. @param directory for root file systems and the socket; mode 0700 */
export async function startStandIn(directory: string): Promise<StandIn> {
  const endpoint = `ipc://${directory}/supervisor.sock`;
  const state = new State(directory);
  let server = await serve(supervisorContract, handlers(state), { endpoint });
  const stop = () => server.close({ deadlineMs: 0 });
  return {
    endpoint,
    images: state.images,
    specs: state.specs,
    snapshots: state.snapshots,
    users: state.users,
    hooks: state.hooks,
    sharedRootfs: () => state.rootfs(),
    tasks: () => [...state.processes.keys()].filter((key) => !key.includes("/")),
    ended: (id) => state.processes.get(id)?.exit !== undefined,
    attached: (id) => state.processes.get(id)?.attached.size ?? 0,
    forget: (id) => {
      const process = state.processes.get(id);
      state.processes.delete(id);
      if (process) send(process, "SIGKILL");
    },
    stop,
    restart: async () => {
      state.events = new EventLog(100);
      server = await serve(supervisorContract, handlers(state), { endpoint });
    },
    close: async () => {
      for (const process of state.processes.values()) send(process, "SIGKILL");
      await stop();
    },
  };
}

class State {
  readonly images = new Map([[normalizeReference("busybox"), standInImage("busybox", {})]]);
  readonly specs = new Map<string, Record<string, unknown>>();
  readonly users = new Map<string, string>();
  readonly hooks = new Map<string, Hook>();
  readonly snapshots = new Map<string, { key: string; labels: Record<string, string> }>();
  readonly processes = new Map<string, Process>();
  events = new EventLog<SupervisorEvent>(100);
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  rootfs(): string {
    const path = join(this.directory, "rootfs");
    mkdirSync(path, { recursive: true });
    return path;
  }

  process(request: { containerId: string; execId?: string | undefined }): Process {
    const found = this.processes.get(keyOf(request));
    if (!found) throw new RpcError("NotFound", `no task ${keyOf(request)}`);
    return found;
  }

  emit(event: Omit<SupervisorEvent, "sequence" | "time" | "namespace">): void {
    this.events.append({ ...event, time: new Date().toISOString(), namespace: "gantry" });
  }
}

function keyOf({ containerId, execId }: { containerId: string; execId?: string | undefined }): string {
  return execId === undefined ? containerId : `${containerId}/${execId}`;
}

function handlers(state: State): Handlers<Methods> {
  const refuse = async () => {
    throw new RpcError("Unimplemented", "the stand-in does not have this");
  };
  const rest = Object.fromEntries(Object.keys(supervisorContract.methods).map((name) => [name, refuse]));
  return hooked(state, {
    ...(rest as unknown as Handlers<Methods>),
    version: async () => ({ version: "stand-in", pid: process.pid, root: "", state: "" }),
    "snapshots.snapshotters": async () => ({ default: "native", reason: "a test", snapshotters: [] }),
    ...imageHandlers(state.images),
    ...containerHandlers(state),
    ...taskHandlers(state),
    ...processHandlers(state),
    "events.subscribe": async ({ from }, context) => {
      for await (const event of state.events.subscribe(from, context.signal)) await context.send(event);
      return {};
    },
  });
}

function hooked(state: State, all: Handlers<Methods>): Handlers<Methods> {
  type AnyHandler = (request: never, context: never) => Promise<unknown>;
  const wrap = ([name, handler]: [string, AnyHandler]) => [
    name,
    async (request: never, context: never) => {
      await state.hooks.get(name)?.(request);
      return handler(request, context);
    },
  ];
  return Object.fromEntries(Object.entries<AnyHandler>(all).map(wrap)) as unknown as Handlers<Methods>;
}

function containerHandlers(state: State) {
  const record = (request: { id: string; spec: Record<string, unknown>; user: string }) => {
    state.specs.set(request.id, request.spec);
    state.users.set(request.id, request.user);
    const times = { createdAt: "2026-01-01T00:00:00Z", updatedAt: "2026-01-01T00:00:00Z" };
    const runtime = { path: "/runtime", root: "/runtimes", worker: false };
    return { ...request, image: "", labels: {}, snapshotKey: request.id, runtime, ...times };
  };
  return {
    "snapshots.prepare": async ({ key, labels = {} }) => {
      state.snapshots.set(key, { key, labels });
      return { mounts: [] };
    },
    "snapshots.remove": async ({ key }) => {
      if (!state.snapshots.delete(key)) throw new RpcError("NotFound", `no snapshot ${key}`);
      return {};
    },
    "snapshots.usage": async () => ({ size: 4096, inodes: 1 }),
    "snapshots.list": async () => ({
      snapshots: [...state.snapshots.values()].map((snapshot) => ({
        ...snapshot,
        parent: "",
        kind: "active" as const,
        snapshotter: "overlayfs" as const,
        createdAt: "2026-01-01T00:00:00Z",
        updatedAt: "2026-01-01T00:00:00Z",
      })),
    }),
    "containers.create": async (request) => {
      if (state.specs.has(request.id)) throw new RpcError("AlreadyExists", `container ${request.id} is there`);
      return record(request);
    },
    "containers.update": async ({ id, spec = {}, user = "" }) => record({ id, spec, user }),
    "containers.list": async () => ({
      containers: [...state.specs].map(([id, spec]) => record({ id, spec, user: state.users.get(id) ?? "" })),
    }),
    "containers.delete": async ({ id }) => {
      if (!state.specs.delete(id)) throw new RpcError("NotFound", `no container ${id}`);
      return {};
    },
    "containers.mountRootfs": async () => ({ path: state.rootfs() }),
    "containers.unmountRootfs": async () => ({}),
  } satisfies Partial<Handlers<Methods>>;
}

interface SpecProcess {
  readonly args: string[];
  readonly env: string[];
}

function taskHandlers(state: State) {
  return {
    "tasks.create": async ({ containerId, stdio }) => {
      const spec = state.specs.get(containerId);
      if (!spec) throw new RpcError("NotFound", `no container ${containerId}`);
      if (state.processes.has(containerId)) throw new RpcError("AlreadyExists", `task ${containerId} is there`);
      const { args, env } = spec["process"] as SpecProcess;
      if (args[0] === "nope")
        throw new RpcError("FailedPrecondition", 'exec: "nope": executable file not found in $PATH', {
          reason: "ExecutableNotFound",
        });
      state.processes.set(containerId, new Process(args, env, stdio));
      return { pid: 1 };
    },
    "tasks.exec": async ({ containerId, execId, process, stdio }) => {
      const { args, env } = process as unknown as SpecProcess;
      state.processes.set(keyOf({ containerId, execId }), new Process(args, env, stdio));
      return {};
    },
    "tasks.start": async (request) => ({ pid: begin(state, request) }),
    "tasks.delete": async (request) => {
      const { exit } = state.process(request);
      if (!exit) throw new RpcError("FailedPrecondition", `task ${keyOf(request)} runs`);
      state.processes.delete(keyOf(request));
      return exit;
    },
    "tasks.get": async (request) => show(request.containerId, state.process(request)),
    "tasks.list": async () => ({
      tasks: [...state.processes].filter(([key]) => !key.includes("/")).map(([key, value]) => show(key, value)),
    }),
    "tasks.wait": async (request) => state.process(request).finished,
  } satisfies Partial<Handlers<Methods>>;
}

function processHandlers(state: State) {
  const signalled = (request: { containerId: string }, signal: NodeJS.Signals | number) => {
    send(state.process(request), signal);
    return {};
  };
  return {
    "tasks.kill": async ({ signal, ...request }) => signalled(request, signal),
    "tasks.pause": async (request) => {
      state.process(request).status = "paused";
      return signalled(request, "SIGSTOP");
    },
    "tasks.resume": async (request) => {
      state.process(request).status = "running";
      return signalled(request, "SIGCONT");
    },
    "tasks.pids": async (request) => ({ processes: [{ pid: state.process(request).child?.pid ?? 0 }] }),
    "tasks.resizePty": async () => ({}),
    "tasks.attach": async (request, context) => {
      const process = state.process(request);
      process.attached.add(context);
      forwardInput(process, context).catch(() => {});
      const gone = new Promise<undefined>((resolve) =>
        context.signal.addEventListener("abort", () => resolve(undefined)),
      );
      const exit = await Promise.race([process.finished, gone]);
      process.attached.delete(context);
      return exit ? { exitStatus: exit.exitStatus } : {};
    },
  } satisfies Partial<Handlers<Methods>>;
}

/** Signals the command and its children: the end of a container ends all its processes. */
function send({ child, exit }: Process, signal: NodeJS.Signals | number): void {
  if (child?.pid === undefined || exit) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has just ended.
  }
}

function begin(state: State, request: { containerId: string; execId?: string | undefined }): number {
  const process = state.process(request);
  const [command = "", ...args] = process.args;
  const env = Object.fromEntries(process.env.map((entry) => entry.split(/=(.*)/s)));
  // A test that is killed takes the programs along.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", command, ...args], {
    cwd: "/",
    env,
    detached: true,
    stdio: [process.stdio.stdin ? "pipe" : "ignore", "pipe", "pipe"],
  });
  process.child = child;
  process.status = "running";
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.on("data", (bytes: Buffer) => output(process, stream, bytes));
  }
  child.once("close", (code, signal) => {
    const { signals } = globalThis.process.getBuiltinModule("node:os").constants;
    process.exit = { exitStatus: code ?? 128 + (signal ? signals[signal] : 0), exitedAt: new Date().toISOString() };
    process.status = "stopped";
    process.ended(process.exit);
    const { exitStatus } = process.exit;
    const { containerId, execId } = request;
    state.emit({ topic: "/tasks/exit", id: containerId, pid: child.pid, exitStatus, ...(execId ? { execId } : {}) });
  });
  return child.pid ?? 0;
}

function output(process: Process, stream: "stdout" | "stderr", bytes: Buffer): void {
  for (const context of process.attached) context.send({ stream }, bytes).catch(() => {});
  const { log } = process.stdio;
  if (log?.driver !== "json-file" || !log.path) return;
  for (const line of bytes.toString().split(/(?<=\n)/)) {
    appendFileSync(log.path, `${JSON.stringify({ log: line, stream, time: new Date().toISOString() })}\n`);
  }
}

async function forwardInput(process: Process, context: Attach): Promise<void> {
  for await (const { value, blobs } of context.input) {
    if (value.kind === "stdin") for (const blob of blobs) process.child?.stdin?.write(blob);
    if (value.kind === "closeStdin") process.child?.stdin?.end();
  }
}

function show(containerId: string, { status, child, exit }: Process) {
  return { containerId, pid: child?.pid ?? 1, status, terminal: false, ...exit };
}
