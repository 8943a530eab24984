import { readFileSync } from "node:fs";
import { delimiter, isAbsolute } from "node:path/posix";
import { findProgram } from "@gantry/common/programs";
import { AF_UNIX, SOCK_CLOEXEC, SOCK_SEQPACKET } from "@gantry/native-sys";
import type { Host } from "../../host.ts";
import { ready } from "../launch/ready.ts";
import { waitForExit } from "../launch/wait.ts";
import { type CriuOptions, encodeGoOn, encodeRequest, requestTypes } from "./options.ts";
import { Decoded } from "./wire.ts";

/** The first descriptor of CRIU's process after its standard streams: the socket that requests arrive on. */
const socketFd = 3;
const longestMessage = 65_536;
const SIGKILL = 9;

/** A notification of CRIU: the point that it has reached, with the process and the descriptors that belong to it. */
export interface Notice {
  readonly point: string;
  readonly pid: number;
  readonly fds: readonly number[];
}

export interface CriuRequest {
  /** CRIU's program. */
  readonly program: string;
  readonly type: number;
  readonly options: CriuOptions;
  /** Standard streams of CRIU's process; `extra` are its descriptors from 4 on. */
  readonly streams: readonly [number, number, number];
  readonly extra: readonly number[];
  /** Where CRIU's log is. */
  readonly log: string;
  /** Called with the id of CRIU's process before it gets its request. */
  readonly onSpawn?: (pid: number) => Promise<void>;
  readonly onNotice?: (notice: Notice) => Promise<void>;
}

/** @throws Error saying that there is none */
export function findCriu(name: string, path: string | undefined): string {
  const absolute = (path ?? "/usr/sbin:/usr/bin:/sbin:/bin").split(delimiter).filter(isAbsolute);
  // With no directory left to look in, an empty PATH would mean the working directory.
  const found = absolute.length > 0 || name.includes("/") ? findProgram(name, absolute.join(delimiter)) : undefined;
  if (found === undefined)
    throw new Error(
      `checkpoint and restore need the program criu: ${JSON.stringify(name)} is not there (Debian: criu)`,
    );
  return found;
}

/**
 * Has CRIU do one thing, over a socket as `criu swrk` takes it.
 * @returns the id of the restored process, 0 for other requests
 * @throws Error with CRIU's own reason, out of its log
 */
export async function runCriu(host: Host, request: CriuRequest): Promise<number> {
  const { native } = host;
  const [ours, theirs] = native.socketPair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  const environment = Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ""}`);
  const criu = spawnCriu(host, request, { ours, theirs, environment });
  native.closeFd(criu.pidFd);
  try {
    await request.onSpawn?.(criu.pid);
    native.socketSend(ours, encodeRequest(request.type, request.options), 0);
    return await converse(host, request, ours);
  } catch (error) {
    native.kill(criu.pid, SIGKILL);
    throw error;
  } finally {
    // After a first round it waits for the next one until the other end is closed.
    native.closeFd(ours);
    await waitForExit(host, criu.pid);
  }
}

function spawnCriu(
  { native }: Host,
  { program, streams, extra }: CriuRequest,
  { ours, theirs, environment }: { ours: number; theirs: number; environment: readonly string[] },
): { pid: number; pidFd: number } {
  try {
    return native.spawn({
      program,
      argv: ["criu", "swrk", String(socketFd)],
      env: environment,
      fds: [...streams, theirs, ...extra],
    });
  } catch (error) {
    native.closeFd(ours);
    throw error;
  } finally {
    native.closeFd(theirs);
  }
}

async function converse(host: Host, request: CriuRequest, socket: number): Promise<number> {
  const { native } = host;
  for (;;) {
    await ready(host, socket);
    const received = native.recvFds(socket, longestMessage, 4);
    if (!received || received.data.length === 0) throw criuError(request, "it ended without an answer");
    const answer = new Decoded(received.data);
    const type = answer.number(1);
    if (type !== requestTypes.notify || answer.number(2) !== 1) {
      for (const fd of received.fds) native.closeFd(fd);
      if (answer.number(2) !== 1) throw criuError(request, answer.text(9) ?? "");
      return answer.message(4)?.number(1) ?? 0;
    }
    const notice = answer.message(5);
    try {
      const point = notice?.text(1) ?? "";
      await request.onNotice?.({ point, pid: notice?.number(2) ?? 0, fds: received.fds });
    } finally {
      for (const fd of received.fds) native.closeFd(fd);
    }
    native.socketSend(socket, encodeGoOn(), 0);
  }
}

/** How many of CRIU's error lines are shown, from the end: earlier ones may be harmless, the last are the cause. */
const shownLines = 3;

function criuError({ log }: CriuRequest, said: string): Error {
  let lines: string[] = [];
  try {
    lines = readFileSync(log, "utf8")
      .split("\n")
      .filter((line) => /\bError\b(?!.*\bFAILED\b)/.test(line));
  } catch {
    // It did not come as far as a log.
  }
  const reasons = lines
    .slice(-shownLines)
    .map((line) => line.replace(/^\(\d+\.\d+\)\s*(\d+: )?Error \([^)]*\): /, "").trim());
  const reason = reasons.length > 0 ? reasons.join("; ") : said.trim();
  return new Error(`criu failed: ${reason || "no reason given"}; log file: ${log}`);
}
