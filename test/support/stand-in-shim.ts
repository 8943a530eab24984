import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { EventLog, type Handlers, RpcError, serve } from "@gantry/ipc";
import { shimContract } from "@gantry/ipc/contracts/shim";

/**
 * The least that a shim can be and still serve the contract: it runs the bundle's command in a plain chroot, without
 * namespaces, cgroups or an OCI runtime. It shows that the supervisor needs nothing of a shim but the contract.
 * Put a script that runs it where `--shim` points.
 */

type ShimEvent = import("valibot").InferOutput<typeof import("@gantry/ipc/contracts/shim").shimEvent>;

interface Container {
  readonly id: string;
  readonly bundle: string;
  child?: ChildProcess;
  /** Resolves when the process has been started. */
  readonly started: Promise<void>;
  begin(): void;
  readonly exited: Promise<{ exitStatus: number; exitedAt: string }>;
  finish(exitStatus: number): void;
}

const now = () => new Date().toISOString();
const events = new EventLog<ShimEvent>(1000);
const publish = (event: Omit<ShimEvent, "sequence" | "time">) => events.append({ time: now(), ...event });
const unsupported = async (): Promise<never> => {
  throw new RpcError("Unimplemented", "the stand-in shim runs one process and nothing more");
};
let container: Container | undefined;

function own(): Container {
  if (!container) throw new RpcError("FailedPrecondition", "no container yet");
  return container;
}

function makeContainer(id: string, bundle: string): Container {
  const start = Promise.withResolvers<void>();
  const exit = Promise.withResolvers<{ exitStatus: number; exitedAt: string }>();
  return {
    id,
    bundle,
    started: start.promise,
    begin: start.resolve,
    exited: exit.promise,
    finish: (exitStatus) => exit.resolve({ exitStatus, exitedAt: now() }),
  };
}

function startProcess(): number {
  const current = own();
  const config = JSON.parse(readFileSync(join(current.bundle, "config.json"), "utf8")) as {
    process: { args: string[]; env: string[]; cwd: string };
    root: { path: string };
  };
  const rootfs = config.root.path.startsWith("/") ? config.root.path : join(current.bundle, config.root.path);
  const env = Object.fromEntries(config.process.env.map((entry) => entry.split(/=(.*)/s, 2)));
  const child = spawn("chroot", [rootfs, ...config.process.args], { env, stdio: ["ignore", "pipe", "pipe"] });
  current.child = child;
  current.begin();
  publish({ topic: "start", id: current.id, pid: child.pid ?? 0 });
  child.once("close", (code) => {
    publish({ topic: "exit", id: current.id, pid: child.pid ?? 0, exitStatus: code ?? 137 });
    current.finish(code ?? 137);
  });
  return child.pid ?? 0;
}

const handlers: Handlers<typeof shimContract.methods> = {
  create: async ({ id, bundle }) => {
    container = makeContainer(id, bundle);
    publish({ topic: "create", id, pid: process.pid });
    return { pid: process.pid };
  },
  start: async () => ({ pid: startProcess() }),
  state: async () => {
    const { id, bundle, child } = own();
    const ended = child?.exitCode !== undefined && child.exitCode !== null;
    const status = child ? (ended ? "stopped" : "running") : "created";
    return { id, bundle, pid: child?.pid ?? process.pid, status, terminal: false };
  },
  kill: async ({ signal }) => {
    own().child?.kill(signal);
    return {};
  },
  wait: async () => own().exited,
  delete: async () => {
    const { id, child, exited } = own();
    const ended = child ? await exited : { exitStatus: 0, exitedAt: now() };
    publish({ topic: "delete", id });
    return { pid: child?.pid ?? 0, ...ended };
  },
  pids: async () => ({ processes: own().child?.pid ? [{ pid: own().child?.pid as number }] : [] }),
  connect: async () => ({ shimPid: process.pid, version: "stand-in", ...(container ? { id: container.id } : {}) }),
  shutdown: async () => {
    // A server that is closed first lets its running calls end, this one too.
    void server.close({ deadlineMs: 500 }).then(() => process.exit(0));
    return {};
  },
  attach: async (_request, { send, signal }) => {
    const current = own();
    await Promise.race([current.started, new Promise((resolve) => signal.addEventListener("abort", resolve))]);
    const copy = async (stream: "stdout" | "stderr") => {
      for await (const chunk of current.child?.[stream] ?? []) await send({ stream }, chunk as Buffer);
    };
    await Promise.all([copy("stdout"), copy("stderr")]);
    return { exitStatus: (await current.exited).exitStatus };
  },
  events: async ({ from }, { send, signal }) => {
    for await (const event of events.subscribe(from, signal)) await send(event);
    return {};
  },
  closeIO: async () => ({}),
  resizePty: async () => ({}),
  exec: unsupported,
  pause: unsupported,
  resume: unsupported,
  update: unsupported,
  stats: unsupported,
  metrics: unsupported,
  checkpoint: unsupported,
};

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const first = await lines.next();
const { directory } = JSON.parse(first.value as string) as { directory: string };
const endpoint = `ipc://${join(directory, "shim.sock")}`;
const server = await serve(shimContract, handlers, { endpoint });
process.stdout.write(`${JSON.stringify({ address: endpoint, pid: process.pid, version: "stand-in" })}\n`);
// Until a container is created, the end of stdin means that this shim is not needed.
await lines.next();
if (!container) process.exit(0);
