import { mkdirSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { EventLog, serve } from "@gantry/ipc";
import { shimContract } from "@gantry/ipc/contracts/shim";
import { nativeSys } from "@gantry/native-sys";
import { announce, type Lease, readBootstrap } from "./bootstrap.ts";
import { Clock } from "./clock.ts";
import type { CreateRequest, ShimContext, ShimEvent } from "./context.ts";
import { ErrorLog } from "./error-log.ts";
import { collectAfterCreate, collectAfterStart } from "./memory.ts";
import { Reaper } from "./process/reaper.ts";
import { rehearse } from "./rehearsal.ts";
import { Children } from "./runtime/children.ts";
import { CommandLineRuntime } from "./runtime/command-line.ts";
import type { OciRuntime } from "./runtime/runtime.ts";
import { RuntimeWorker } from "./runtime/worker.ts";
import { WorkerRuntime } from "./runtime/worker-runtime.ts";
import { ShimService } from "./service.ts";
import { StateFiles } from "./state.ts";
import { ReadBuffer } from "./stdio/output.ts";
import { version } from "./version.ts";

/** A shim that is taken by then does not rehearse. */
const restMs = 20;
/** Events kept for a supervisor that comes back. */
const eventsKept = 1024;
/** What a shim makes in its directory; anything else there is not its to remove. */
const ownFiles =
  /^(shim\.sock|worker\.sock|shim\.log|(task|exit)\.json(\.new)?|pty-\w+\.sock|rehearsal|runtime-\d+\.\w+)$/;

/**
 * Serves one container from standard input's first line until it is shut down, or until nobody can want it any
 * more: its supervisor is gone and it has no container.
 * @throws Error for a person when it is started wrongly
 */
export async function runShim(): Promise<void> {
  const sys = nativeSys();
  const { bootstrap, lease } = await readBootstrap(sys);
  const { directory, standbyRuntime } = bootstrap;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  process.chdir("/");
  const children = new Children();
  const context = makeContext(directory, children);
  const runtimes = new Runtimes(directory, children);
  if (standbyRuntime?.worker) {
    runtimes.prepare(standbyRuntime).catch((error) => context.errors.report("standby runtime", error));
  }
  keepGoing(context.errors);

  const life = new Life(lease);
  const service = new ShimService({
    context,
    runtimeFor: (request) => runtimes.get(request),
    onOccupied: (occupied) => life.occupy(occupied),
    onCreated: () => {
      lease.release();
      life.forgetLease();
      collectAfterCreate();
    },
    onShutdown: (clean) => life.end(clean),
  });
  const endpoint = `ipc://${join(directory, "shim.sock")}`;
  const onError = (error: Error) => context.errors.report("call", error);
  const server = await serve(shimContract, service.handlers, { endpoint, onError });
  announce({ address: endpoint, pid: process.pid, version });
  setTimeout(() => makeReady(context, life), restMs).unref();

  const clean = await life.over;
  context.events.close();
  await server.close({ deadlineMs: 500 });
  runtimes.close();
  context.reaper.stop();
  if (clean) removeOwn(directory);
}

/** While nobody has a container for it: what the first one would else wait for. */
async function makeReady(context: ShimContext, life: Life): Promise<void> {
  const isWanted = () => !life.isOccupied;
  // Nothing depends on it: a machine that lacks what it takes is a little slower.
  if (isWanted()) await rehearse(context, isWanted).catch(() => undefined);
  collectAfterStart();
}

function makeContext(directory: string, children: Children): ShimContext {
  const sys = nativeSys();
  const clock = new Clock();
  return {
    directory,
    sys,
    clock,
    errors: new ErrorLog(join(directory, "shim.log"), clock),
    reaper: new Reaper(sys, (pid) => children.has(pid)),
    events: new EventLog<ShimEvent>(eventsKept),
    files: new StateFiles(directory),
    buffer: new ReadBuffer(),
  };
}

/** A container dies with its shim: what nobody has foreseen is written down, and the shim goes on. */
function keepGoing(errors: ErrorLog): void {
  process.on("uncaughtException", (error) => errors.report("uncaught", error));
  process.on("unhandledRejection", (error) => errors.report("unhandled", error));
}

/** Decides when the shim ends. `over` resolves to true when its directory can go. */
class Life {
  readonly #over = Promise.withResolvers<boolean>();
  #occupied = false;
  #leaseEnded = false;

  constructor(lease: Lease) {
    lease.onEnd(() => {
      this.#leaseEnded = true;
      this.#endIfUnwanted();
    });
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      process.on(signal, () => {
        if (!this.#occupied) this.end(true);
      });
    }
  }

  get over(): Promise<boolean> {
    return this.#over.promise;
  }

  get isOccupied(): boolean {
    return this.#occupied;
  }

  /** Whether it has a container, or is about to. */
  occupy(occupied: boolean): void {
    this.#occupied = occupied;
    this.#endIfUnwanted();
  }

  /** The lease is about a shim without a container, and it has one. */
  forgetLease(): void {
    this.#leaseEnded = false;
  }

  end(clean: boolean): void {
    this.#over.resolve(clean);
  }

  #endIfUnwanted(): void {
    if (this.#leaseEnded && !this.#occupied) this.end(true);
  }
}

/** The standby worker, and the way to any other runtime. */
class Runtimes {
  readonly #directory: string;
  readonly #children: Children;
  #worker: RuntimeWorker | undefined;

  constructor(directory: string, children: Children) {
    this.#directory = directory;
    this.#children = children;
  }

  prepare(runtime: CreateRequest["runtime"]): Promise<unknown> {
    return this.#workerFor(runtime).prepare();
  }

  get({ runtime, id }: CreateRequest): OciRuntime {
    const commandLine = new CommandLineRuntime({ runtime, id, directory: this.#directory, children: this.#children });
    if (runtime.worker)
      return new WorkerRuntime({ worker: this.#workerFor(runtime), commandLine, root: runtime.root, id });
    this.close();
    return commandLine;
  }

  close(): void {
    this.#worker?.close();
    this.#worker = undefined;
  }

  #workerFor(runtime: CreateRequest["runtime"]): RuntimeWorker {
    if (this.#worker?.serves(runtime)) return this.#worker;
    this.close();
    this.#worker = new RuntimeWorker({ runtime, directory: this.#directory, children: this.#children });
    return this.#worker;
  }
}

function removeOwn(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (ownFiles.test(name)) rmSync(join(directory, name), { recursive: true, force: true });
  }
  try {
    rmdirSync(directory);
  } catch {
    // Something of another's is in it.
  }
}
