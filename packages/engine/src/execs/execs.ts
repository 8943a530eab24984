import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "@gantry/common/error-message";
import type { ReplyOf } from "@gantry/ipc";
import { isRpcError, RpcError } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import { conflict, invalid, notFound } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import { exitCodeFor } from "../supervisor/runtime-failure.ts";
import type { TaskStreams, Tasks } from "../supervisor/tasks.ts";
import {
  copyInput,
  type Exec,
  type ExecContext,
  type ExecRequest,
  type ExecTarget,
  execView,
  stdioOf,
} from "./exec.ts";
import { execProcess } from "./process.ts";

type Methods = (typeof engineContract)["methods"];
type Reply = ReplyOf<Methods["execStart"]>;

/** Exit code of a process that was ended by SIGKILL. */
const KILLED = 137;
/** Pause between two attempts to reach a lost supervisor. */
const RETRY_PAUSE_MS = 50;
/** How long an exec that has ended, or was never started, can still be inspected. */
const KEEP_MS = 5 * 60_000;

export interface ExecDeps {
  readonly tasks: Tasks;
  /** Capabilities of this host. */
  readonly capabilities: readonly string[];
  /** A container by id, name or start of an id. @throws RpcError NotFound */
  readonly findTarget: (reference: string) => ExecTarget;
  /** Refuses with an error while the engine shuts down. */
  readonly admit: () => void;
  readonly log: Log;
}

/** Commands that run in containers beside their first process. They live in memory only. */
export class Execs {
  readonly #deps: ExecDeps;
  readonly #byId = new Map<string, Exec>();

  constructor(deps: ExecDeps) {
    this.#deps = deps;
  }

  /** Ids of a container's execs that have not ended. */
  idsOf(containerId: string): string[] {
    const execs = [...this.#byId.values()].filter(
      ({ target, state }) => target.id === containerId && state !== "ended",
    );
    return execs.map(({ id }) => id);
  }

  /** @throws RpcError FailedPrecondition when the container does not run, or is paused */
  async create(request: ExecRequest): Promise<string> {
    this.#deps.admit();
    const target = this.#deps.findTarget(request.Id);
    await target.requireRunning();
    if (request.Cmd.length === 0) throw invalid("No exec command specified");
    const id = newId();
    const ended = Promise.withResolvers<number>();
    this.#byId.set(id, { id, target, request, state: "created", pid: 0, exitCode: null, ended });
    this.#forgetLater(id);
    this.#emit("exec_create", id);
    return id;
  }

  /** Runs it with its streams connected, until it ends or the caller detaches. @throws RpcError with the OCI runtime's message */
  async start(id: string, detach: boolean, context: ExecContext): Promise<Reply> {
    this.#deps.admit();
    const exec = this.#find(id);
    await exec.target.requireRunning();
    if (exec.state !== "created") throw conflict(`Error: Exec command ${id} has already run`);
    exec.state = "running";
    const attached = !detach && (exec.request.AttachStdin || exec.request.AttachStdout || exec.request.AttachStderr);
    const process = { containerId: exec.target.id, execId: id };
    let upstream: TaskStreams | undefined;
    try {
      await this.#deps.tasks.exec(exec.target.id, id, {
        ...(await execProcess(this.#deps.capabilities, exec.target, exec.request)),
        stdio: stdioOf(exec.request, attached ?? false),
      });
      if (attached) upstream = this.#attach(exec);
      exec.pid = await this.#deps.tasks.start(process);
    } catch (error) {
      upstream?.cancel();
      throw await this.#failed(exec, error);
    }
    this.#emit("exec_start", id);
    if (!upstream) return detach ? {} : { ExitCode: await exec.ended.promise };
    return this.#converse(exec, upstream, context);
  }

  /** As the Engine API's exec inspect. @throws RpcError NotFound */
  inspect(id: string): Record<string, unknown> {
    return execView(this.#find(id));
  }

  async resize(id: string, width: number, height: number): Promise<void> {
    const { target } = this.#find(id);
    await this.#deps.tasks.resize({ containerId: target.id, execId: id }, { width, height });
  }

  /** Records the end of an exec; the first report counts. */
  exited(id: string, exitStatus: number): void {
    const exec = this.#byId.get(id);
    if (!exec || exec.state === "ended") return;
    exec.state = "ended";
    exec.exitCode = exitStatus;
    exec.pid = 0;
    exec.ended.resolve(exitStatus);
    this.#emit("exec_die", id, { execID: id, exitCode: String(exitStatus) });
    this.#deps.tasks.delete({ containerId: exec.target.id, execId: id }).catch((error: unknown) => {
      if (!isRpcError(error, "NotFound")) this.#deps.log.debug({ id, error: messageOf(error) }, "deleting an exec");
    });
    this.#forgetLater(id);
  }

  /** The container has ended, and all its processes with it. */
  containerExited(containerId: string): void {
    for (const exec of [...this.#byId.values()]) {
      if (exec.target.id !== containerId) continue;
      if (exec.state === "running") this.exited(exec.id, KILLED);
      else if (exec.state === "created") this.#byId.delete(exec.id);
    }
  }

  #forgetLater(id: string): void {
    setTimeout(() => {
      if (this.#byId.get(id)?.state !== "running") this.#byId.delete(id);
    }, KEEP_MS).unref();
  }

  #find(id: string): Exec {
    const exact = this.#byId.get(id);
    if (exact) return exact;
    const matches = /^[0-9a-f]+$/.test(id) ? [...this.#byId.values()].filter((exec) => exec.id.startsWith(id)) : [];
    if (matches.length !== 1 || !matches[0]) throw notFound(`No such exec instance: ${id}`);
    return matches[0];
  }

  #attach(exec: Exec) {
    const { AttachStdin = false, AttachStdout = false, AttachStderr = false } = exec.request;
    return this.#deps.tasks.attach(
      { containerId: exec.target.id, execId: exec.id },
      { stdin: AttachStdin, stdout: AttachStdout, stderr: AttachStderr },
    );
  }

  async #converse(exec: Exec, upstream: TaskStreams, context: ExecContext): Promise<Reply> {
    const detached = Promise.withResolvers<"detached">();
    context.signal.addEventListener("abort", () => detached.resolve("detached"), { once: true });
    copyInput(upstream, context).then(
      (why) => why === "detached" && detached.resolve(why),
      () => upstream.cancel(),
    );
    const output = (async () => {
      for await (const { value, blobs } of upstream.items) await context.send(value, ...blobs);
      return upstream.result;
    })();
    output.catch(() => {});
    try {
      const result = await Promise.race([output, detached.promise]);
      if (result === "detached") return {};
      if (result.exitStatus === undefined) return { ExitCode: await exec.ended.promise };
      this.exited(exec.id, result.exitStatus);
      return { ExitCode: result.exitStatus };
    } catch (error) {
      if (!isRpcError(error, "Unavailable")) throw error;
      await this.#awaitEnd(exec, context.signal);
      return { ExitCode: await exec.ended.promise };
    } finally {
      upstream.cancel();
    }
  }

  /** Polls the next supervisor after a loss: its event of the exit may have been missed. */
  async #awaitEnd(exec: Exec, signal: AbortSignal): Promise<void> {
    while (exec.state === "running" && !signal.aborted) {
      try {
        const process = { containerId: exec.target.id, execId: exec.id };
        const { exitStatus } = await this.#deps.tasks.wait(process, { signal });
        this.exited(exec.id, exitStatus);
      } catch (error) {
        if (isRpcError(error, "Unavailable")) await delay(RETRY_PAUSE_MS);
        else this.exited(exec.id, KILLED);
      }
    }
  }

  async #failed(exec: Exec, error: unknown): Promise<RpcError> {
    const code = exitCodeFor(error);
    const exitCode = code === 128 ? 126 : code;
    this.exited(exec.id, exitCode);
    return new RpcError(
      isRpcError(error) ? error.code : "Internal",
      `OCI runtime exec failed: ${messageOf(error)}`,
      { ExitCode: exitCode },
      { cause: error },
    );
  }

  #emit(action: string, id: string, attributes: Record<string, string> = { execID: id }): void {
    const exec = this.#byId.get(id);
    if (!exec) return;
    const [command = "", ...args] = exec.request.Cmd;
    const shown = action === "exec_die" ? action : `${action}: ${command} ${args.join(" ")}`;
    exec.target.emit(shown, attributes);
  }
}
