import { RpcError } from "@gantry/ipc";
import type { CheckpointOptions, Metrics, Stdio } from "@gantry/ipc/contracts/common";
import { SIGNALS } from "@gantry/native-sys";
import { adopt } from "./adoption.ts";
import { ContainerCgroup } from "./cgroup/container-cgroup.ts";
import { ContainerEvents } from "./container-events.ts";
import { type CreateRequest, openStdio, type ShimContext } from "./context.ts";
import type { Past } from "./journal.ts";
import { Execs, releaseStreams } from "./process/execs.ts";
import { Exits } from "./process/exits.ts";
import { type Inherited, inherit } from "./process/inherited.ts";
import { launch, orInvalidArgument } from "./process/launch.ts";
import { ContainerProcess, type Exit } from "./process/process.ts";
import type { Document, OciRuntime, RuntimeStreams } from "./runtime/runtime.ts";
import type { ProcessStdio } from "./stdio/stdio.ts";

export interface Deleted extends Exit {
  readonly pid: number;
}

/** Names the first process in the keeper; execs are counted. */
const initLabel = "init";

/** Exit status of a container that could not be restored. */
const failedStatus = 255;

/** The shim's one container, from a successful create on. */
export class Container {
  readonly id: string;
  readonly bundle: string;
  readonly init: ContainerProcess;
  readonly #context: ShimContext;
  readonly #runtime: OciRuntime;
  readonly #request: CreateRequest;
  readonly #execs = new Execs();
  readonly #events: ContainerEvents;
  readonly #cgroup = new ContainerCgroup();
  readonly #exits: Exits;
  #execCount = 0;
  #paused = false;
  #deleting: Promise<Deleted> | undefined;
  #deleted = false;

  private constructor(context: ShimContext, runtime: OciRuntime, request: CreateRequest, stdio: ProcessStdio) {
    this.#context = context;
    this.#runtime = runtime;
    this.#request = request;
    this.#events = new ContainerEvents(context, request.id);
    this.#exits = new Exits({
      id: request.id,
      context,
      runtime,
      cgroup: this.#cgroup,
      events: this.#events,
      onInitExit: () => {
        this.#paused = false;
      },
    });
    this.id = request.id;
    this.bundle = request.bundle;
    this.init = new ContainerProcess(stdio);
  }

  /** Creates the container by the runtime. @throws RpcError of the runtime, or InvalidArgument for unusable streams */
  static async create(context: ShimContext, runtime: OciRuntime, request: CreateRequest): Promise<Container> {
    const stdio = orInvalidArgument(() => openStdio(context, request.stdio, initLabel));
    const container = new Container(context, runtime, request, stdio);
    context.journal.begin(request);
    container.#writeTask();
    try {
      await container.#createInit();
    } catch (error) {
      context.journal.close();
      if (container.init.pid > 0) await runtime.delete().catch(() => undefined);
      context.files.removeTask();
      throw error;
    }
    return container;
  }

  /**
   * Goes on with the container of an earlier shim, which was killed: its processes live on in the keeper. Exits that it
   * had not reported are reported now.
   */
  static async adopt(context: ShimContext, runtime: OciRuntime, past: Past): Promise<Container> {
    const inherited = await inherit(context, initLabel);
    const stdio = openStdio(context, past.request.stdio, initLabel, inherited);
    const container = new Container(context, runtime, past.request, stdio);
    await container.#adopt(past, inherited);
    container.#writeTask();
    return container;
  }

  get isDeleted(): boolean {
    return this.#deleted;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** @throws RpcError NotFound */
  process(execId: string | undefined): ContainerProcess {
    const found = execId === undefined ? this.init : this.#execs.get(execId);
    if (found && !(this.#deleted && execId === undefined)) return found;
    throw new RpcError("NotFound", execId === undefined ? `container ${this.id} is deleted` : `no exec ${execId}`);
  }

  async start(execId: string | undefined): Promise<number> {
    const target = this.process(execId);
    target.require("start", execId === undefined ? "created" : "added");
    target.stage = "running";
    const starting = execId === undefined ? this.#startInit() : this.#startExec(target);
    target.starting = starting;
    await starting;
    return target.pid;
  }

  addExec(execId: string, document: Document, options: Stdio): void {
    this.process(undefined).require("add an exec to", "created", "running");
    this.#execs.requireFree(execId);
    this.#execCount += 1;
    const label = String(this.#execCount);
    const stdio = orInvalidArgument(() => openStdio(this.#context, options, label));
    const exec = new ContainerProcess(stdio, { id: execId, document });
    this.#context.journal.addExec({ execId, label, process: document, stdio: options });
    this.#execs.add(exec);
    this.#events.publish("exec-added", exec);
  }

  async kill(execId: string | undefined, signal: number, all: boolean): Promise<void> {
    const target = this.process(execId);
    if (all) return this.#runtime.kill(signal, true);
    if (target.reaped) throw new RpcError("NotFound", `${target.label} has ended already`);
    // The runtime signals a frozen container, which it may have to thaw, and one that has not started.
    if (target === this.init && (this.#paused || target.stage !== "running")) return this.#runtime.kill(signal, false);
    target.require("signal", "running");
    if (target.pid === 0) throw new RpcError("FailedPrecondition", `${target.label} is not running yet`);
    await this.#context.kept.signal(target.name, target.label, signal);
  }

  async pause(): Promise<void> {
    this.process(undefined).require("pause", "running");
    if (this.#paused) return;
    await this.#runtime.pause();
    this.#paused = true;
    this.#events.publish("paused");
  }

  async resume(): Promise<void> {
    this.process(undefined).require("resume", "running");
    if (!this.#paused) return;
    await this.#runtime.resume();
    this.#paused = false;
    this.#events.publish("resumed");
  }

  /** Every process, with the id of the exec that it is the first one of. */
  async pids(): Promise<{ pid: number; execId?: string }[]> {
    if (this.process(undefined).reaped) return [];
    const pids = await this.#runtime.pids();
    return pids.map((pid) => {
      const execId = this.#execs.ofPid(pid);
      return execId === undefined ? { pid } : { pid, execId };
    });
  }

  async update(resources: Document): Promise<void> {
    this.process(undefined).require("update", "created", "running");
    await this.#runtime.update(resources);
  }

  async stats(): Promise<Document> {
    this.process(undefined).require("read the figures of", "created", "running");
    return this.#runtime.stats();
  }

  metrics(): Metrics {
    const { init } = this;
    this.process(undefined).require("read the figures of", "created", "running");
    return this.#cgroup.metrics(init.pid, this.#context.clock.now());
  }

  async checkpoint(options: CheckpointOptions): Promise<void> {
    this.process(undefined).require("checkpoint", "running");
    await this.#runtime.checkpoint(options);
    this.#events.publish("checkpointed");
  }

  /** The keeper was killed: the container's processes are ended, and their exits are reported with the reason. */
  keeperDied(): void {
    this.#exits
      .endAll(() => [...this.#execs.all(), this.init])
      .catch((error) => this.#context.errors.report("keeper", error));
  }

  /** Removes an ended process. Deleting the container again gives the same answer. */
  async delete(execId: string | undefined): Promise<Deleted> {
    if (execId !== undefined) return this.#deleteExec(this.process(execId));
    this.#deleting ??= this.#deleteContainer().catch((error) => {
      this.#deleting = undefined;
      throw error;
    });
    return this.#deleting;
  }

  async #createInit(): Promise<void> {
    const { init, bundle } = this;
    if (this.#request.checkpoint === undefined) {
      await this.#launch(init, (streams) => this.#runtime.create(bundle, streams));
      this.#writeTask();
      return;
    }
    init.stage = "created";
    this.#events.publish("create");
  }

  async #startInit(): Promise<void> {
    const { init } = this;
    const { checkpoint } = this.#request;
    if (checkpoint !== undefined) return this.#restoreInit(checkpoint);
    try {
      await this.#runtime.start();
    } catch (error) {
      if (!init.reaped) init.stage = "created";
      throw error;
    }
    this.#events.publish("start", init);
  }

  /** A container that cannot be restored has ended: its streams were closed with the attempt. */
  async #restoreInit(imagePath: string): Promise<void> {
    const { init, bundle } = this;
    try {
      await this.#launch(init, (streams) => this.#runtime.restore(bundle, imagePath, streams));
      this.#writeTask();
    } catch (error) {
      this.#exits.report(init, { exitStatus: failedStatus });
      throw error;
    }
  }

  async #startExec(exec: ContainerProcess): Promise<void> {
    const { size } = exec.stdio;
    // The runtime sets it before the program runs; by the time the shim has the terminal, the program may have asked for it.
    const document = { ...exec.document, ...(size ? { consoleSize: size } : {}) };
    try {
      await this.#launch(exec, (streams) => this.#runtime.exec(document, streams));
    } catch (error) {
      this.#execs.fail(exec);
      this.#context.journal.forgetExec(exec.execId ?? "");
      throw error;
    }
  }

  async #adopt(past: Past, inherited: Inherited): Promise<void> {
    const parts = { context: this.#context, runtime: this.#runtime, init: this.init, execs: this.#execs };
    const adopted = await adopt(
      { ...parts, exits: this.#exits, events: this.#events, cgroup: this.#cgroup },
      past,
      inherited,
    );
    this.#execCount = adopted.execCount;
    this.#paused = adopted.isPaused;
    this.#deleted = adopted.isDeleted;
  }

  /** Writes task.json: with it, the container can be removed after the shim's death. */
  #writeTask(): void {
    const { id, namespace, bundle, runtime } = this.#request;
    const { pid } = this.init;
    const task = { id, namespace, bundle, runtime, shimPid: process.pid };
    this.#context.files.writeTask(pid > 0 ? { ...task, pid } : task);
  }

  async #launch(target: ContainerProcess, run: (streams: RuntimeStreams) => Promise<number>): Promise<number> {
    return launch(this.#context, target, run, {
      onStarted: () => this.#onStarted(target),
      onExit: (exit) => this.#exits.report(target, exit),
    });
  }

  #onStarted(target: ContainerProcess): void {
    if (target !== this.init) {
      this.#events.publish("exec-started", target);
      return;
    }
    const isRestored = target.stage === "running";
    if (!isRestored) target.stage = "created";
    // After the answer: before its start, another message, none of its processes can be killed for lack of memory.
    setImmediate(() => this.#cgroup.watch(this.#context.sys, target.pid, () => this.#events.publish("oom")));
    this.#events.publish(isRestored ? "start" : "create", target);
  }

  async #deleteExec(exec: ContainerProcess): Promise<Deleted> {
    await this.#execs.delete(exec);
    this.#context.journal.forgetExec(exec.execId ?? "");
    return { pid: exec.pid, ...(exec.exited ?? { exitStatus: 0, exitedAt: this.#context.clock.now() }) };
  }

  async #deleteContainer(): Promise<Deleted> {
    const { init } = this;
    if (init.stage === "created" && init.pid === 0) this.#exits.report(init, { exitStatus: 0 });
    else if (init.stage === "created") await this.#runtime.kill(SIGNALS.SIGKILL, false);
    else if (!init.reaped) init.require("delete", "stopped");
    const exit = await init.exit;
    await this.#runtime.delete().catch((error) => {
      if (!(error instanceof RpcError && error.code === "NotFound")) throw error;
    });
    this.#runtime.close();
    await this.#execs.clear();
    await releaseStreams(init);
    this.#deleted = true;
    this.#events.publish("delete", init);
    return { pid: init.pid, ...exit };
  }
}
