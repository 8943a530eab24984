import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "@gantry/common/error-message";
import type { ReplyOf } from "@gantry/ipc";
import { isRpcError, RpcError } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import { conflict, invalid, notFound } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { type Container, Signalled } from "../containers/container.ts";
import { containerEvent } from "../containers/events.ts";
import { exitCodeFor } from "../containers/start.ts";
import type { World } from "../containers/world.ts";
import { copyInput, type Exec, type ExecContext, type ExecRequest, execView, stdioOf, type Upstream } from "./exec.ts";
import { execProcess } from "./process.ts";

type Methods = (typeof engineContract)["methods"];
type Reply = ReplyOf<Methods["execStart"]>;

/** Exit code of what was ended by SIGKILL. */
const KILLED = 137;
/** Pause between two attempts to find a lost supervisor again. */
const AGAIN_MS = 50;
/** How long an exec that has ended, or never started, can still be asked about. */
const KEEP_MS = 5 * 60_000;

/** Commands that run in containers beside their first process. They live in memory only. */
export class Execs {
  readonly #world: World;
  readonly #byId = new Map<string, Exec>();

  constructor(world: World) {
    this.#world = world;
  }

  /** @throws RpcError FailedPrecondition when the container does not run, or is paused */
  async create(request: ExecRequest): Promise<string> {
    const container = this.#world.registry.find(request.Id);
    await container.settled();
    checkRunning(container);
    if (request.Cmd.length === 0) throw invalid("No exec command specified");
    const id = newId();
    const ended = new Signalled<number>();
    this.#byId.set(id, { id, container, request, state: "created", pid: 0, exitCode: null, ended });
    container.execIds.add(id);
    this.#forgetLater(id);
    this.#tell("exec_create", id);
    return id;
  }

  /** Runs it, its streams connected, until it ends or the caller detaches. @throws RpcError with the OCI runtime's words */
  async start(id: string, detach: boolean, context: ExecContext): Promise<Reply> {
    const exec = this.#find(id);
    checkRunning(exec.container);
    if (exec.state !== "created") throw conflict(`Error: Exec command ${id} has already run`);
    exec.state = "running";
    const attached = !detach && (exec.request.AttachStdin || exec.request.AttachStdout || exec.request.AttachStderr);
    const containerId = exec.container.id;
    let upstream: Upstream | undefined;
    try {
      await this.#world.supervisor.call("tasks.exec", {
        containerId,
        execId: id,
        ...(await execProcess(this.#world, exec.container, exec.request)),
        stdio: stdioOf(exec.request, attached ?? false),
      });
      if (attached) upstream = this.#attach(exec);
      exec.pid = (await this.#world.supervisor.call("tasks.start", { containerId, execId: id })).pid;
    } catch (error) {
      upstream?.cancel();
      throw await this.#failed(exec, error);
    }
    this.#tell("exec_start", id);
    if (!upstream) return detach ? {} : { ExitCode: await exec.ended.promise };
    return this.#converse(exec, upstream, context);
  }

  /** As the Engine API's exec inspect. @throws RpcError NotFound */
  inspect(id: string): Record<string, unknown> {
    return execView(this.#find(id));
  }

  async resize(id: string, width: number, height: number): Promise<void> {
    const { container } = this.#find(id);
    await this.#world.supervisor.call("tasks.resizePty", { containerId: container.id, execId: id, width, height });
  }

  /** The supervisor has told of its end. */
  exited(id: string, exitStatus: number): void {
    const exec = this.#byId.get(id);
    if (!exec || exec.state === "ended") return;
    exec.state = "ended";
    exec.exitCode = exitStatus;
    exec.pid = 0;
    exec.ended.fire(exitStatus);
    this.#tell("exec_die", id, { execID: id, exitCode: String(exitStatus) });
    const request = { containerId: exec.container.id, execId: id };
    this.#world.supervisor.call("tasks.delete", request).catch((error: unknown) => {
      if (!isRpcError(error, "NotFound")) this.#world.log.debug({ id, error: messageOf(error) }, "deleting an exec");
    });
    exec.container.execIds.delete(id);
    this.#forgetLater(id);
  }

  /** Its container has ended, and everything in it. */
  abandon(container: Container): void {
    for (const exec of this.#byId.values()) {
      if (exec.container === container && exec.state === "running") this.exited(exec.id, KILLED);
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
    return this.#world.supervisor.open("tasks.attach", {
      containerId: exec.container.id,
      execId: exec.id,
      stdin: AttachStdin,
      stdout: AttachStdout,
      stderr: AttachStderr,
    });
  }

  async #converse(exec: Exec, upstream: Upstream, context: ExecContext): Promise<Reply> {
    const detached = new Signalled<"detached">();
    context.signal.addEventListener("abort", () => detached.fire("detached"), { once: true });
    copyInput(upstream, context).then(
      (why) => why === "detached" && detached.fire(why),
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

  /** The supervisor was lost: asks the next one, whose events may have come too early. */
  async #awaitEnd(exec: Exec, signal: AbortSignal): Promise<void> {
    while (exec.state === "running" && !signal.aborted) {
      try {
        const request = { containerId: exec.container.id, execId: exec.id };
        const { exitStatus } = await this.#world.supervisor.call("tasks.wait", request, { timeoutMs: 0, signal });
        this.exited(exec.id, exitStatus);
      } catch (error) {
        if (isRpcError(error, "Unavailable")) await delay(AGAIN_MS);
        else this.exited(exec.id, KILLED);
      }
    }
  }

  async #failed(exec: Exec, error: unknown): Promise<RpcError> {
    const words = messageOf(error);
    const code = exitCodeFor(words, exec.request.Cmd[0] ?? "");
    const exitCode = code === 128 ? 126 : code;
    this.exited(exec.id, exitCode);
    return new RpcError(
      isRpcError(error) ? error.code : "Internal",
      `OCI runtime exec failed: ${words}`,
      { ExitCode: exitCode },
      { cause: error },
    );
  }

  #tell(action: string, id: string, attributes: Record<string, string> = { execID: id }): void {
    const exec = this.#byId.get(id);
    if (!exec) return;
    const [command = "", ...args] = exec.request.Cmd;
    const shown = action === "exec_die" ? action : `${action}: ${command} ${args.join(" ")}`;
    containerEvent(this.#world, exec.container, shown, attributes);
  }
}

function checkRunning(container: Container): void {
  const { state } = container.document;
  if (!container.alive) throw conflict(`container ${container.id} is not running`);
  if (state.Paused) throw conflict(`container ${container.document.name} is paused, unpause the container before exec`);
}
