import { RpcError } from "@gantry/ipc";
import type { Document } from "../runtime/runtime.ts";
import type { ProcessStdio } from "../stdio/stdio.ts";

export interface Exit {
  readonly exitStatus: number;
  /** RFC 3339 with nanoseconds. */
  readonly exitedAt: string;
  /** Why the status is not the process's own. */
  readonly reason?: string;
}

export type Stage = "added" | "created" | "running" | "stopped";

/** One process of the container: its first one, or an exec. */
export class ContainerProcess {
  readonly execId: string | undefined;
  readonly stdio: ProcessStdio;
  /** The OCI process object of an exec. */
  readonly document: Document | undefined;
  stage: Stage = "added";
  /** 0 until it has one. */
  pid = 0;
  /** It has been waited for: its id may belong to another process. */
  reaped = false;
  /** A start under way: an early exit is reported after it. */
  starting: Promise<unknown> = Promise.resolve();
  readonly #exit = Promise.withResolvers<Exit>();
  #exited: Exit | undefined;

  constructor(stdio: ProcessStdio, exec?: { id: string; document: Document }) {
    this.stdio = stdio;
    this.execId = exec?.id;
    this.document = exec?.document;
    this.#exit.promise.catch(() => undefined);
  }

  /** Its name in the keeper. */
  get name(): string {
    return this.stdio.name;
  }

  /** For errors. */
  get label(): string {
    return this.execId === undefined ? "the container's first process" : `exec ${this.execId}`;
  }

  /** The exit, once it has been reported. */
  get exited(): Exit | undefined {
    return this.#exited;
  }

  /** Resolves at its end; rejects when it was removed without having run. */
  get exit(): Promise<Exit> {
    return this.#exit.promise;
  }

  /** Resolves when it has ended and its output has been read. */
  async finished(): Promise<Exit> {
    const exit = await this.exit;
    await this.stdio.quiet();
    return exit;
  }

  end(exit: Exit): void {
    this.stage = "stopped";
    this.#exited = exit;
    this.#exit.resolve(exit);
  }

  /** Ends a process that was never run. */
  abandon(): void {
    this.stage = "stopped";
    this.#exit.reject(new RpcError("NotFound", `${this.label} was removed before it ran`));
  }

  /** @throws RpcError FailedPrecondition unless it is in one of the stages */
  require(verb: string, ...stages: readonly Stage[]): void {
    if (stages.includes(this.stage)) return;
    const message = `cannot ${verb} ${this.label}: it is ${this.stage}, and must be ${stages.join(" or ")}`;
    throw new RpcError("FailedPrecondition", message);
  }
}
