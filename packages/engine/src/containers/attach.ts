import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "@gantry/common/error-message";
import type { InputOf, ItemOf, OpenStream, ReplyOf, StreamContext } from "@gantry/ipc";
import { isRpcError } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import type { supervisorContract } from "@gantry/ipc/contracts/supervisor";
import { conflict } from "../base/errors.ts";
import { type Container, Signalled } from "./container.ts";
import { containerEvent } from "./events.ts";
import { handleExit } from "./exit.ts";
import type { World } from "./world.ts";

type Attach = (typeof engineContract.methods)["containerAttach"];
export type AttachContext = StreamContext<ItemOf<Attach>, InputOf<Attach>>;
type Reply = ReplyOf<Attach>;
type TaskAttach = (typeof supervisorContract.methods)["tasks.attach"];
type Upstream = OpenStream<ItemOf<TaskAttach>, InputOf<TaskAttach>, ReplyOf<TaskAttach>>;

/** Pause between two attempts to find a lost supervisor again. */
const AGAIN_MS = 50;

export interface AttachRequest {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/**
 * Connects a caller to a container's streams: at once when it runs, otherwise with its next start. Ends with the
 * container's exit code, or without one when the caller detaches. A supervisor that is lost meanwhile is waited for.
 * @throws RpcError FailedPrecondition for a paused one; the start's failure
 */
export async function attachContainer(
  world: World,
  container: Container,
  request: AttachRequest,
  context: AttachContext,
): Promise<Reply> {
  if (container.document.state.Paused) throw conflict("You cannot attach to a paused container, unpause it first");
  if (container.document.state.Restarting) {
    throw conflict("You cannot attach to a restarting container, wait until it is running");
  }
  const attachment = new Attachment(world, container, request, context);
  if (container.alive) attachment.connect();
  else container.waiting.add(attachment);
  containerEvent(world, container, "attach");
  try {
    await context.send({ attached: true });
    return await attachment.ended;
  } finally {
    container.waiting.delete(attachment);
    attachment.close();
  }
}

class Attachment {
  readonly #world: World;
  readonly #container: Container;
  readonly #request: AttachRequest;
  readonly #context: AttachContext;
  readonly ended: Promise<Reply>;
  #resolve: (reply: Reply) => void = () => {};
  fail: (error: Error) => void = () => {};
  #run = 0;
  #closed = false;
  #upstream: Upstream | undefined;
  /** Fired when the streams are connected again, or never will be. */
  #back = new Signalled<void>();

  constructor(world: World, container: Container, request: AttachRequest, context: AttachContext) {
    this.#world = world;
    this.#container = container;
    this.#request = request;
    this.#context = context;
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.fail = reject;
    });
    this.ended.catch(() => {});
    context.signal.addEventListener("abort", () => this.#resolve({}), { once: true });
  }

  /** Opens the streams. What is called after this on the supervisor comes after the attach. */
  connect(): void {
    this.#run = this.#container.run;
    const { exited } = this.#container;
    this.#upstream = this.#open();
    this.#copyOutput(this.#upstream, exited.promise).catch((error: Error) => this.fail(error));
    this.#copyInput().catch(() => this.#resolve({}));
  }

  close(): void {
    this.#closed = true;
    this.#back.fire();
    this.#upstream?.cancel();
  }

  #open(): Upstream {
    return this.#world.supervisor.open("tasks.attach", { containerId: this.#container.id, ...this.#request });
  }

  async #copyOutput(first: Upstream, exited: Promise<{ exitCode: number }>): Promise<void> {
    for (let upstream: Upstream | undefined = first; upstream; ) {
      try {
        for await (const { value, blobs } of upstream.items) await this.#context.send(value, ...blobs);
        const { exitStatus } = await upstream.result;
        if (exitStatus !== undefined) this.#tellExit(exitStatus);
        this.#resolve(exitStatus === undefined ? {} : { ExitCode: exitStatus });
        return;
      } catch (error) {
        if (!isRpcError(error, "Unavailable")) throw error;
      }
      upstream = await this.#reopen();
    }
    const { exitCode } = await exited;
    this.#resolve({ ExitCode: exitCode });
  }

  /** Attaches again after the supervisor was lost; undefined when the process has ended meanwhile. */
  async #reopen(): Promise<Upstream | undefined> {
    while (!this.#closed) {
      try {
        const { status } = await this.#world.supervisor.call("tasks.get", { containerId: this.#container.id });
        this.#upstream = status === "running" || status === "paused" ? this.#open() : undefined;
        this.#back.fire();
        this.#back = new Signalled();
        return this.#upstream;
      } catch (error) {
        if (!isRpcError(error, "Unavailable")) return undefined;
        await delay(AGAIN_MS);
      }
    }
    return undefined;
  }

  /** The streams know of the end first; who was attached may at once do what needs it, such as taking the name again. */
  #tellExit(exitStatus: number): void {
    handleExit(this.#world, this.#container, { exitStatus, run: this.#run }).catch((error: unknown) => {
      this.#world.log.error({ id: this.#container.id, error: messageOf(error) }, "working off the end of a container");
    });
  }

  async #copyInput(): Promise<void> {
    for await (const { value, blobs } of this.#context.input) {
      if (value.kind === "detach") {
        containerEvent(this.#world, this.#container, "detach");
        this.#resolve({});
        return;
      }
      while (!this.#closed) {
        const back = this.#back.promise;
        try {
          await this.#upstream?.send(value, ...blobs);
          break;
        } catch (error) {
          if (!isRpcError(error, "Unavailable")) throw error;
          await back;
        }
      }
    }
    this.#upstream?.end();
  }
}
