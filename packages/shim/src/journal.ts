import { closeSync, openSync, readFileSync, renameSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import type { Stdio } from "@gantry/ipc/contracts/common";
import type { CreateRequest, ShimEvent } from "./context.ts";
import type { Document } from "./runtime/runtime.ts";

/** An exec as it was added. */
export interface AddedExec {
  readonly execId: string;
  /** Names its streams and its process in the keeper. */
  readonly label: string;
  readonly process: Document;
  readonly stdio: Stdio;
}

type Entry =
  | { readonly kind: "create"; readonly request: CreateRequest }
  | { readonly kind: "exec"; readonly exec: AddedExec }
  | { readonly kind: "forget"; readonly execId: string }
  | { readonly kind: "event"; readonly event: ShimEvent };

/** Steps of an earlier shim of the container. */
export interface Past {
  readonly request: CreateRequest;
  /** Those that were not deleted, in the order in which they were added. */
  readonly execs: readonly AddedExec[];
  readonly events: readonly ShimEvent[];
}

/** Bytes after which the entries that are not needed any more are removed. */
const longest = 1024 * 1024;

/**
 * Steps of a shim, one JSON object a line, each written before it takes effect: with the journal and the keeper the
 * next shim goes on where a killed one stopped.
 */
export class Journal {
  readonly #path: string;
  readonly #eventsKept: number;
  #fd = -1;
  #size = 0;

  /** @param eventsKept events that stay when the journal is shortened */
  constructor(path: string, eventsKept: number) {
    this.#path = path;
    this.#eventsKept = eventsKept;
  }

  /** Begins anew, with a container. */
  begin(request: CreateRequest): void {
    this.close();
    this.#fd = openSync(this.#path, "w", 0o600);
    this.#size = 0;
    this.#append({ kind: "create", request });
  }

  addExec(exec: AddedExec): void {
    this.#append({ kind: "exec", exec });
  }

  forgetExec(execId: string): void {
    this.#append({ kind: "forget", execId });
  }

  addEvent(event: ShimEvent): void {
    this.#append({ kind: "event", event });
  }

  /** Reads what an earlier shim wrote, and goes on after it. @throws Error without a container in it */
  resume(): Past {
    const bytes = readFileSync(this.#path);
    const end = bytes.lastIndexOf("\n") + 1;
    // The last line of a shim that was killed may be half: what it was for has not happened.
    truncateSync(this.#path, end);
    this.#fd = openSync(this.#path, "a", 0o600);
    this.#size = end;
    return this.#pastOf(bytes.toString("utf8", 0, end));
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  #append(entry: Entry): void {
    if (this.#fd < 0) return;
    this.#size += writeSync(this.#fd, `${JSON.stringify(entry)}\n`);
    if (this.#size > longest) this.#shorten();
  }

  #pastOf(text: string): Past {
    const entries = text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Entry);
    const execs = new Map<string, AddedExec>();
    const events: ShimEvent[] = [];
    let request: CreateRequest | undefined;
    for (const entry of entries) {
      if (entry.kind === "create") request = entry.request;
      else if (entry.kind === "exec") execs.set(entry.exec.execId, entry.exec);
      else if (entry.kind === "forget") execs.delete(entry.execId);
      else events.push(entry.event);
    }
    if (!request) throw new Error(`${this.#path} names no container`);
    return { request, execs: [...execs.values()], events };
  }

  #shorten(): void {
    const { request, execs, events } = this.#pastOf(readFileSync(this.#path, "utf8"));
    const own = events.slice(0, -this.#eventsKept).filter(({ execId }) => isNeeded(execId, execs));
    const entries: Entry[] = [
      { kind: "create", request },
      ...execs.map((exec): Entry => ({ kind: "exec", exec })),
      ...[...own, ...events.slice(-this.#eventsKept)].map((event): Entry => ({ kind: "event", event })),
    ];
    const temporary = `${this.#path}.new`;
    writeFileSync(temporary, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""), { mode: 0o600 });
    renameSync(temporary, this.#path);
    this.close();
    this.#fd = openSync(this.#path, "a", 0o600);
    this.#size = 0;
  }
}

/** Older events of the container and of execs that are still there say in which state they are. */
function isNeeded(execId: string | undefined, execs: readonly AddedExec[]): boolean {
  return execId === undefined || execs.some((exec) => exec.execId === execId);
}
