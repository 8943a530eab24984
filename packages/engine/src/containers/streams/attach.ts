import { setTimeout as delay } from "node:timers/promises";
import type { InputOf, ItemOf, ReplyOf, StreamContext } from "@gantry/ipc";
import { isRpcError } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import type { StreamChoice, TaskStreams, Tasks } from "../../supervisor/tasks.ts";
import type { EventHub } from "../../system/event-hub.ts";
import type { Container } from "../container.ts";
import { containerEvent } from "../events.ts";
import type { Exits } from "../lifecycle/exits.ts";
import type { Run } from "../lifecycle/lifecycle.ts";
import { admit } from "../lifecycle/table.ts";

type Attach = (typeof engineContract.methods)["containerAttach"];
export type AttachContext = StreamContext<ItemOf<Attach>, InputOf<Attach>>;
type Reply = ReplyOf<Attach>;

/** Pause between two attempts to reach a lost supervisor. */
const RETRY_PAUSE_MS = 50;

export interface AttachDeps {
  readonly tasks: Tasks;
  readonly exits: Exits;
  readonly events: EventHub;
}

/**
 * Connects a caller to a container's streams: at once when it runs, otherwise with its next start. Ends with the
 * container's exit code, or without one when the caller detaches. It waits for a supervisor that is lost meanwhile.
 * @throws RpcError FailedPrecondition for a paused one; the start's failure
 */
export async function attachContainer(
  deps: AttachDeps,
  container: Container,
  streams: StreamChoice,
  context: AttachContext,
): Promise<Reply> {
  const attachment = new Attachment(deps, container, streams, context);
  await container.lifecycle.exclusive(async () => {
    admit("attach", container);
    if (container.alive) attachment.connect();
    else container.pendingAttachments.add(attachment);
  });
  containerEvent(deps, container, "attach");
  try {
    await context.send({ attached: true });
    return await attachment.ended;
  } finally {
    container.pendingAttachments.delete(attachment);
    attachment.close();
  }
}

class Attachment {
  readonly #deps: AttachDeps;
  readonly #container: Container;
  readonly #streams: StreamChoice;
  readonly #context: AttachContext;
  readonly ended: Promise<Reply>;
  #resolve: (reply: Reply) => void = () => {};
  fail: (error: Error) => void = () => {};
  #run: Run;
  #closed = false;
  #upstream: TaskStreams | undefined;
  /** Resolved when the streams are connected again, or never will be. */
  #reconnected = Promise.withResolvers<void>();

  constructor(deps: AttachDeps, container: Container, streams: StreamChoice, context: AttachContext) {
    this.#deps = deps;
    this.#container = container;
    this.#run = container.lifecycle.run;
    this.#streams = streams;
    this.#context = context;
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.fail = reject;
    });
    this.ended.catch(() => {});
    context.signal.addEventListener("abort", () => this.#resolve({}), { once: true });
  }

  /** Opens the streams. Calls to the supervisor that follow arrive after the attach. */
  connect(): void {
    this.#run = this.#container.lifecycle.run;
    this.#upstream = this.#open();
    this.#copyOutput(this.#upstream).catch((error: Error) => this.fail(error));
    this.#copyInput().catch(() => this.#resolve({}));
  }

  close(): void {
    this.#closed = true;
    this.#reconnected.resolve();
    this.#upstream?.cancel();
  }

  #open(): TaskStreams {
    return this.#deps.tasks.attach({ containerId: this.#container.id }, this.#streams);
  }

  async #copyOutput(first: TaskStreams): Promise<void> {
    const run = this.#run;
    for (let upstream: TaskStreams | undefined = first; upstream; ) {
      try {
        for await (const { value, blobs } of upstream.items) await this.#context.send(value, ...blobs);
        const { exitStatus } = await upstream.result;
        if (exitStatus !== undefined) this.#reportExit(exitStatus);
        this.#resolve(exitStatus === undefined ? {} : { ExitCode: exitStatus });
        return;
      } catch (error) {
        if (!isRpcError(error, "Unavailable")) throw error;
      }
      upstream = await this.#reopen();
    }
    const { exitCode } = await run.exited;
    this.#resolve({ ExitCode: exitCode });
  }

  /** Attaches again after the supervisor was lost; undefined when the process has ended meanwhile. */
  async #reopen(): Promise<TaskStreams | undefined> {
    while (!this.#closed) {
      try {
        const task = await this.#deps.tasks.get(this.#container.id);
        const isRunning = task?.status === "running" || task?.status === "paused";
        this.#upstream = isRunning ? this.#open() : undefined;
        this.#reconnected.resolve();
        this.#reconnected = Promise.withResolvers();
        return this.#upstream;
      } catch (error) {
        if (!isRpcError(error, "Unavailable")) return undefined;
        await delay(RETRY_PAUSE_MS);
      }
    }
    return undefined;
  }

  /**
   * The streams end before the supervisor's event arrives, and the attached caller may act on the exit at once, for
   * example use the container's name again.
   */
  #reportExit(exitStatus: number): void {
    this.#deps.exits.reportInBackground(this.#container, { exitStatus, run: this.#run });
  }

  async #copyInput(): Promise<void> {
    for await (const { value, blobs } of this.#context.input) {
      if (value.kind === "detach") {
        containerEvent(this.#deps, this.#container, "detach");
        this.#resolve({});
        return;
      }
      while (!this.#closed) {
        const reconnected = this.#reconnected.promise;
        try {
          await this.#upstream?.send(value, ...blobs);
          break;
        } catch (error) {
          if (!isRpcError(error, "Unavailable")) throw error;
          await reconnected;
        }
      }
    }
    this.#upstream?.end();
  }
}
