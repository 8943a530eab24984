import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { processesOf } from "@gantry/testkit";
import { pack, unpack } from "msgpackr";
import { Dealer } from "zeromq";
import type { Stack } from "../support/stack.ts";

/** One daemon of the stack, with its endpoint and process id. */
export interface Daemon {
  readonly name: string;
  readonly endpoint: string;
  readonly pid: number;
}

/** The stack's processes that have a listening socket below its state directory. */
export function daemonsOf(stack: Stack): Daemon[] {
  // Num RefCount Protocol Flags Type St Inode Path; flag 0x10000 is SO_ACCEPTCON
  const table = readFileSync(`/proc/${stack.namespaces.pid}/net/unix`, "utf8");
  const listening = new Map(
    [...table.matchAll(/^\S+ \S+ \S+ 00010000 \S+ \S+ +(\d+) (\/\S+)$/gm)].map(([, inode, path]) => [inode, path]),
  );
  return processesOf(stack.scope).flatMap(({ pid }) =>
    openFiles(pid).flatMap((target): Daemon[] => {
      const path = listening.get(/^socket:\[(\d+)\]$/.exec(target)?.[1]);
      const name = /([a-z]+)\.sock$/.exec(path ?? "")?.[1];
      return path?.startsWith(stack.state) && name ? [{ name, endpoint: `ipc://${path}`, pid }] : [];
    }),
  );
}

/** The process id of the stack's supervisor. */
export function supervisorOf(stack: Stack): number {
  const found = processesOf(stack.scope).find(({ commandLine }) => /^\S*\/supervisor\s/.test(commandLine));
  if (!found) throw new Error("the stack has no supervisor");
  return found.pid;
}

/** Targets of a process's descriptors; none when it has ended. */
export function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return ""; // closed meanwhile
      }
    });
  } catch {
    return [];
  }
}

/** Private memory of a process in KiB, as the kernel counts it. */
export function privateMemory(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return [...rollup.matchAll(/^Private_\w+: +(\d+) kB$/gm)].reduce((sum, match) => sum + Number(match[1]), 0);
}

/** A peer that follows no rules: it sends any frames. */
export class RawPeer implements Disposable {
  readonly #socket: Dealer;

  constructor(endpoint: string) {
    this.#socket = new Dealer({ linger: 0, receiveTimeout: 20_000, sendHighWaterMark: 0, receiveHighWaterMark: 0 });
    this.#socket.connect(endpoint);
  }

  send(...frames: Uint8Array[]): Promise<void> {
    return this.#socket.send(frames);
  }

  call(id: number, method: string, body: unknown): Promise<void> {
    return this.send(pack([1, 1, id, method, 0]), pack(body));
  }

  /** The answer to a call, whatever else comes before it: [kind, body]. */
  async answer(id: number): Promise<{ kind: number; body: unknown }> {
    for (;;) {
      const [header, body] = await this.#socket.receive();
      const [, kind, called] = unpack(header as Buffer) as number[];
      if (called === id && (kind === 2 || kind === 3)) {
        return { kind, body: body && body.length > 0 ? unpack(body) : undefined };
      }
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
