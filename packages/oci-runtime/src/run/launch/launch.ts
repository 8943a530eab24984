import { closeSync, constants, fchmodSync, openSync } from "node:fs";
import {
  AF_UNIX,
  CLONE_PARENT,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  POLLOUT,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  type SpawnedProcess,
  type SpawnOptions,
} from "@gantry/native-sys";
import type { Host } from "../../host.ts";
import { encode } from "../../plan/encode.ts";
import type { Plan } from "../../plan/op.ts";
import { hooksMs } from "../hooks.ts";
import { type Message, messageKinds, parseMessage } from "./message.ts";
import { ready } from "./ready.ts";
import { waitForExit } from "./wait.ts";

const SIGKILL = 9;

export interface Launch {
  readonly plan: Plan;
  /** Standard streams, then the descriptors that the program keeps. */
  readonly streams: readonly number[];
  /** Descriptors after the channel, by plan/op.ts "Slots": start, result, trees, console. */
  readonly others: readonly number[];
  /** Start the helper as a child of this process's parent. */
  readonly sibling: boolean;
  /** Socket of the keeper that starts the helper as its own child instead. */
  readonly keeper?: string | undefined;
  /** No limit on the helper's silence: its cgroup is paused until another command resumes it. */
  readonly unlimited?: boolean;
  /** Called with the helper's id when it is there and waits for its plan. */
  readonly onSpawn?: (pid: number) => Promise<void>;
  /** Called at each sync point with the pid known so far and the helper's message; returns the bytes of the answer. */
  readonly onSync?: (point: number, pid: number, detail: string) => Promise<Uint8Array | undefined>;
}

export interface Launched {
  /** The container process's id here. */
  readonly pid: number;
  /** For waiting and signals; of the helper itself when it has forked. */
  readonly pidFd: number;
  readonly helperPid: number;
}

/**
 * Starts the helper with a plan and waits until it is ready (`wait`) or has become the program (`exec`).
 * @throws OperationError naming the operation that failed
 */
export async function launch(host: Host, request: Launch): Promise<Launched> {
  const { native } = host;
  const bytes = encode(request.plan, host.makeFilter);
  const [ours, theirs] = native.socketPair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  try {
    const helper = await startHelper(host, request, theirs);
    host.debug?.(
      `init: process ${helper.pid} gets a plan of ${request.plan.ops.length} operations, ${bytes.length} bytes`,
    );
    const conversation = { channel: ours, helperPid: helper.pid, pid: request.plan.forks ? 0 : helper.pid };
    try {
      await request.onSpawn?.(helper.pid);
      await sendAll(host, ours, bytes);
      const pid = await converse(host, request, conversation);
      return { pid, pidFd: helper.pidFd, helperPid: helper.pid };
    } catch (error) {
      await end(host, request, [helper.pid, conversation.pid]);
      native.closeFd(helper.pidFd);
      throw error;
    }
  } finally {
    native.closeFd(ours);
  }
}

async function startHelper(host: Host, request: Launch, channel: number): Promise<SpawnedProcess> {
  const { cgroup } = request.plan;
  let cgroupFd: number | undefined;
  try {
    if (cgroup !== undefined) cgroupFd = openSync(cgroup, constants.O_RDONLY | constants.O_DIRECTORY);
    const options = {
      argv: ["oci-init", String(request.streams.length), ...(host.debug ? ["trace"] : [])],
      env: [],
      fds: [...request.streams, channel, ...request.others],
      cloneFlags: request.plan.cloneFlags,
      ...(cgroupFd === undefined ? {} : { cgroupFd }),
    };
    if (request.keeper !== undefined) return await spawnInKeeper(host, request.keeper, options);
    const parent = request.sibling ? CLONE_PARENT : 0;
    return await spawnHelper(host, (program) =>
      host.native.spawn({ ...options, program, cloneFlags: options.cloneFlags | parent }),
    );
  } catch (error) {
    if (cgroup === undefined || (error as NodeJS.ErrnoException).code !== "ENOMEM") throw error;
    throw new Error(`the init helper cannot start in ${cgroup}: its memory limit is too low`, { cause: error });
  } finally {
    if (cgroupFd !== undefined) closeSync(cgroupFd);
    host.native.closeFd(channel);
  }
}

async function spawnInKeeper(
  host: Host,
  path: string,
  options: Omit<SpawnOptions, "program">,
): Promise<SpawnedProcess> {
  const { KeeperClient } = await import("@gantry/keeper");
  const keeper = await KeeperClient.connect(host.native, path);
  try {
    return await spawnHelper(host, (program) => keeper.spawn({ ...options, program }));
  } finally {
    keeper.close();
  }
}

async function spawnHelper(
  { initProgram }: Host,
  start: (program: number) => SpawnedProcess | Promise<SpawnedProcess>,
): Promise<SpawnedProcess> {
  try {
    return await start(initProgram);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") throw error;
    // Before Linux 6.3 no seal holds the mode: a container with rights over an earlier helper has changed it.
    fchmodSync(initProgram, 0o777);
    return await start(initProgram);
  }
}

/**
 * Sends all bytes, as fast as the helper takes them. A helper that is gone already has left its reason on the channel:
 * the reader reports that one.
 */
async function sendAll(host: Host, fd: number, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length; ) {
    try {
      sent += host.native.socketSend(fd, bytes.subarray(sent), MSG_NOSIGNAL);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE" || code === "ECONNRESET") return;
      if (code !== "EAGAIN") throw error;
      if (!(await ready(host, fd, { events: POLLOUT, limitMs: host.waitLimitMs })))
        throw new Error(`the init helper has read nothing for ${host.waitLimitMs / 1000} s: it is stopped or frozen`);
    }
  }
}

/** How long a killed process may take to end: a frozen process does not end, and the caller thaws it. */
const killedMs = 2000;

/** Kills the processes of a failed helper. A sibling is waited for by the common parent. */
async function end(host: Host, { sibling }: Launch, pids: readonly number[]): Promise<void> {
  for (const pid of new Set(pids)) {
    if (pid === 0) continue;
    try {
      host.native.kill(pid, SIGKILL);
      if (!sibling) await waitForExit(host, pid, killedMs);
    } catch {
      // It has ended by itself, or is thawed and ended with its cgroup.
    }
  }
}

/** Milliseconds for which the helper may say nothing: with hooks of its own as long as those may take. */
function silenceMs(host: Host, { plan, unlimited }: Launch): number {
  if (unlimited) return Number.POSITIVE_INFINITY;
  const untilReady = plan.ops.slice(0, plan.ops.findIndex(({ op }) => op === "wait") + 1 || plan.ops.length);
  return hooksMs(untilReady.flatMap((op) => (op.op === "hook" ? [Number(op.timeout)] : []))) + host.waitLimitMs;
}

interface Conversation {
  readonly channel: number;
  readonly helperPid: number;
  /** The container's process, once it is there. */
  pid: number;
}

/** Reads what the helper says until it is ready, has become the program (end of file), or has failed. */
async function converse(host: Host, request: Launch, conversation: Conversation): Promise<number> {
  const waits = request.plan.ops.some(({ op }) => op === "wait");
  const { channel, helperPid } = conversation;
  const reader = new MessageReader(host, channel, silenceMs(host, request));
  for (;;) {
    const message = await reader.next();
    if (!message) {
      if (!waits && conversation.pid) return conversation.pid;
      throw new Error("the init helper was killed before it was ready: a memory limit that is too low does that");
    }
    if (message.kind === messageKinds.ready) {
      host.debug?.(`init: process ${conversation.pid} is ready and waits for start`);
      return conversation.pid;
    }
    if (message.kind === messageKinds.done) await traceOperation(host, request.plan, message);
    // Said once, by a helper that no container can see yet.
    if (message.kind === messageKinds.pid && conversation.pid === 0) conversation.pid = message.value;
    else if (message.kind === messageKinds.error) {
      if (request.plan.forks) await awaitPid(reader, conversation);
      const { operationError } = await import("./failure.ts");
      throw operationError(request.plan, message.index, message.value, message.text);
    } else if (message.kind === messageKinds.sync) {
      host.debug?.(`init: waits at sync point ${message.value}`);
      const answer =
        (await request.onSync?.(message.value, conversation.pid || helperPid, message.text)) ?? new Uint8Array();
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(answer.length));
      await sendAll(host, channel, Buffer.concat([length, answer]));
      host.debug?.(`init: answered sync point ${message.value} with ${answer.length} bytes`);
    }
  }
}

async function traceOperation({ debug }: Host, { ops }: Plan, { index, value }: Message): Promise<void> {
  const op = ops[index];
  if (!debug || !op) return;
  const { describe } = await import("../../plan/explain.ts");
  debug(`init: ${index + 1}/${ops.length} ${describe(op)} [${op.why}]: ${value} µs`);
}

/** A child may fail before its parent has reported the pid; then both end, and the channel closes. */
async function awaitPid(reader: MessageReader, conversation: Conversation): Promise<void> {
  while (conversation.pid === 0) {
    const message = await reader.next();
    if (!message) return;
    if (message.kind === messageKinds.pid) conversation.pid = message.value;
  }
}

/** Takes messages apart that arrive in pieces or together. */
export class MessageReader {
  readonly #host: Host;
  readonly #fd: number;
  readonly #limitMs: number;
  #rest = Buffer.alloc(0);

  /** @param limitMs how long the other side may say nothing */
  constructor(host: Host, fd: number, limitMs: number) {
    this.#host = host;
    this.#fd = fd;
    this.#limitMs = limitMs;
  }

  /** The next message; undefined at the end of file. @throws Error once the limit is over */
  async next(): Promise<Message | undefined> {
    for (;;) {
      const message = this.#take();
      if (message) return message;
      const data = this.#host.native.socketRecv(this.#fd, 65536, MSG_DONTWAIT);
      if (data === null) await this.#wait();
      else if (data.length === 0) return undefined;
      else this.#rest = Buffer.concat([this.#rest, data]);
    }
  }

  async #wait(): Promise<void> {
    if (await ready(this.#host, this.#fd, { limitMs: this.#limitMs })) return;
    throw new Error(
      `the init helper has not reported for ${this.#limitMs / 1000} s: it is stopped, frozen, or waits in the kernel`,
    );
  }

  #take(): Message | undefined {
    const message = parseMessage(this.#rest);
    if (message) this.#rest = this.#rest.subarray(message.size);
    return message;
  }
}
