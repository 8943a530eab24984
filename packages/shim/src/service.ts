import { version } from "@gantry/common/version";
import { type Handlers, RpcError } from "@gantry/ipc";
import type { shimContract } from "@gantry/ipc/contracts/shim";
import { Container } from "./container.ts";
import type { CreateRequest, ShimContext } from "./context.ts";
import { attach } from "./process/attach.ts";
import type { ContainerProcess } from "./process/process.ts";
import type { OciRuntime } from "./runtime/runtime.ts";

export interface ServiceOptions {
  readonly context: ShimContext;
  /** The runtime of a create request. */
  readonly runtimeFor: (request: CreateRequest) => OciRuntime;
  /** Called with true when a create starts; with false when it has failed, or the container was deleted. */
  readonly onOccupied: (occupied: boolean) => void;
  /** Called once the container exists. */
  readonly onCreated: (container: Container) => void;
  /** Called to end the shim; `clean` when its container was deleted, or it has none. */
  readonly onShutdown: (clean: boolean) => void;
}

/** The shim contract, for a shim with or without a container. */
export class ShimService {
  readonly #options: ServiceOptions;
  #container: Container | undefined;
  #occupied = false;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  get handlers(): Handlers<typeof shimContract.methods> {
    const { events } = this.#options.context;
    return {
      create: async (request) => ({ pid: (await this.#create(request)).init.pid }),
      start: async ({ execId }) => ({ pid: await this.#get().start(execId) }),
      exec: async (request) => {
        this.#get().addExec(request.execId, request.process, request.stdio);
        return {};
      },
      state: async ({ execId }) => stateOf(this.#get(), this.#get().process(execId)),
      kill: async ({ execId, signal, all }) => done(this.#get().kill(execId, signal, all ?? false)),
      pause: async () => done(this.#get().pause()),
      resume: async () => done(this.#get().resume()),
      pids: async () => ({ processes: await this.#get().pids() }),
      resizePty: async ({ execId, width, height }) => {
        const { stdio, label } = this.#get().process(execId);
        if (!stdio.terminal) throw new RpcError("FailedPrecondition", `${label} has no terminal`);
        stdio.resize(width, height);
        return {};
      },
      closeIO: async ({ execId }) => {
        this.#get().process(execId).stdio.closeInput();
        return {};
      },
      update: async ({ resources }) => done(this.#get().update(resources)),
      stats: async () => ({ ...(await this.#get().stats()) }),
      metrics: async () => this.#get().metrics(),
      checkpoint: async (request) => done(this.#get().checkpoint(request)),
      wait: async ({ execId }) => this.#get().process(execId).exit,
      delete: async ({ execId }) => this.#delete(execId),
      connect: async () => this.#connect(),
      shutdown: async ({ now }) => this.#shutdown(now ?? false),
      attach: (request, context) => attach(this.#get().process(request.execId), request, context),
      events: async ({ from }, context) => {
        for await (const event of events.subscribe(from, context.signal)) await context.send(event);
        return {};
      },
    };
  }

  /** Serves a container that an earlier shim has created. */
  adopt(container: Container): void {
    this.#container = container;
    this.#occupied = true;
    this.#options.onOccupied(true);
    this.#options.onCreated(container);
  }

  /** The keeper was killed: the container's processes are ended, and their exits are reported with the reason. */
  keeperDied(): void {
    this.#container?.keeperDied();
  }

  #get(): Container {
    if (this.#container) return this.#container;
    throw new RpcError("NotFound", "this shim has no container yet");
  }

  async #create(request: CreateRequest): Promise<Container> {
    const { context, runtimeFor, onOccupied, onCreated } = this.#options;
    if (this.#occupied) {
      const message = `this shim serves container ${this.#container?.id ?? "that is being created"}; it takes one only`;
      throw new RpcError("AlreadyExists", message);
    }
    this.#occupied = true;
    onOccupied(true);
    const runtime = runtimeFor(request);
    try {
      this.#container = await Container.create(context, runtime, request);
    } catch (error) {
      this.#occupied = false;
      runtime.close();
      onOccupied(false);
      throw error;
    }
    onCreated(this.#container);
    return this.#container;
  }

  async #delete(execId: string | undefined) {
    const deleted = await this.#get().delete(execId);
    if (execId === undefined) this.#options.onOccupied(false);
    return deleted;
  }

  #connect() {
    const container = this.#container;
    if (!container) return { shimPid: process.pid, version };
    return { shimPid: process.pid, taskPid: container.init.pid, id: container.id, version };
  }

  async #shutdown(now: boolean) {
    const clean = this.#container ? this.#container.isDeleted : !this.#occupied;
    if (!clean && !now) {
      const message = `container ${this.#container?.id ?? "being created"} must be deleted before its shim ends`;
      throw new RpcError("FailedPrecondition", message);
    }
    this.#options.onShutdown(clean);
    return {};
  }
}

async function done(work: Promise<void>) {
  await work;
  return {};
}

function stateOf(container: Container, target: ContainerProcess) {
  const { exited, stage } = target;
  const alive = stage === "running" ? (container.isPaused ? "paused" : "running") : "created";
  return {
    id: container.id,
    ...(target.execId === undefined ? {} : { execId: target.execId }),
    bundle: container.bundle,
    pid: target.pid,
    status: exited ? ("stopped" as const) : (alive as "running" | "paused" | "created"),
    terminal: target.stdio.terminal,
    ...(exited ?? {}),
  };
}
