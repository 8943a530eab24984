import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { messageOf } from "@gantry/common/error-message";
import { type Client, connect } from "@gantry/ipc";
import type { Runtime } from "@gantry/ipc/contracts/common";
import { shimContract, shimReady } from "@gantry/ipc/contracts/shim";
import * as v from "valibot";
import { unavailable } from "../errors.ts";

export type ShimClient = Client<typeof shimContract.methods>;

/** A shim that listens. */
export interface Shim {
  readonly directory: string;
  readonly address: string;
  readonly pid: number;
  readonly client: ShimClient;
}

/** One that this process started, and that has no container yet: it ends when its standard input does. */
export interface StartedShim extends Shim {
  /** Lets it live on by itself. */
  release(): void;
  /** Ends it. */
  discard(): void;
  /** Told when it ends before it was released. */
  onEnd(callback: () => void): void;
}

export interface ShimOptions {
  /** The shim's binary. */
  readonly path: string;
  /** Directory that each shim gets one of its own in. */
  readonly directory: string;
  /** Runtime that it keeps a worker of at hand. */
  readonly standbyRuntime: Runtime | undefined;
}

const startTimeoutMs = 15_000;
const maxReadyLine = 4096;

/** Starts a shim, detached. @throws RpcError Unavailable with what it had to say */
export async function startShim(options: ShimOptions): Promise<StartedShim> {
  const directory = `${options.directory}/${randomBytes(5).toString("hex")}`;
  mkdirSync(directory, { mode: 0o700 });
  const stderr = `${directory}/stderr`;
  const child = spawnShim(options.path, stderr);
  try {
    const { standbyRuntime } = options;
    child.stdin?.write(`${JSON.stringify({ directory, ...(standbyRuntime && { standbyRuntime }) })}\n`);
    const ready = await readyLine(child);
    child.stdout?.destroy();
    const client = connectShim(ready.address);
    return started(child, { directory, address: ready.address, pid: ready.pid, client });
  } catch (error) {
    child.kill("SIGKILL");
    const words = readWords(stderr) || messageOf(error);
    rmSync(directory, { recursive: true, force: true });
    throw unavailable(`cannot start the shim ${options.path}: ${words}`, error);
  }
}

/** A client of a shim; with a patience of 0 it fails where nobody listens. */
export function connectShim(address: string, onDisconnect?: () => void, connectTimeoutMs = 2000): ShimClient {
  return connect(shimContract, { endpoint: address, connectTimeoutMs, ...(onDisconnect ? { onDisconnect } : {}) });
}

/** True when a shim answers at an address. */
export async function isAlive(address: string): Promise<boolean> {
  const client = connectShim(address, undefined, 0);
  try {
    await client.call("connect", {}, { timeoutMs: 5000 });
    return true;
  } catch {
    return false;
  } finally {
    client.close();
  }
}

function spawnShim(path: string, stderr: string): ChildProcess {
  const log = openSync(stderr, "a", 0o600);
  try {
    // What asks this service whether it is ready does not ask its containers, which OCI runtimes would wait for.
    const { NOTIFY_SOCKET: _, ...inherited } = process.env;
    // One heap for all threads of a shim and of what it starts: with one for each, glibc keeps 0.7 MB more.
    const env = { ...inherited, MALLOC_ARENA_MAX: "1" };
    return spawn(path, [], { detached: true, cwd: "/", stdio: ["pipe", "pipe", log], env });
  } finally {
    closeSync(log);
  }
}

function started(child: ChildProcess, shim: Shim): StartedShim {
  let isOurs = true;
  let onEnd: (() => void) | undefined;
  child.once("exit", () => {
    if (isOurs) onEnd?.();
  });
  const letGo = () => {
    isOurs = false;
    child.stdin?.destroy();
    child.unref();
  };
  return {
    ...shim,
    release: letGo,
    discard() {
      letGo();
      shim.client.close();
    },
    onEnd(callback) {
      if (child.exitCode === null && child.signalCode === null) onEnd = callback;
      else callback();
    },
  };
}

function readyLine(child: ChildProcess): Promise<v.InferOutput<typeof shimReady>> {
  const { promise, resolve, reject } = Promise.withResolvers<v.InferOutput<typeof shimReady>>();
  const timer = setTimeout(() => reject(new Error(`it was not ready within ${startTimeoutMs} ms`)), startTimeoutMs);
  let text = "";
  child.stdin?.on("error", () => {}); // its end tells more
  child.stdout?.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    if (!text.includes("\n") && text.length < maxReadyLine) return;
    try {
      resolve(v.parse(shimReady, JSON.parse(text)));
    } catch {
      reject(new Error("it did not answer in the form expected"));
    }
  });
  child.once("error", reject);
  child.once("exit", (code, signal) => reject(new Error(`it ended with ${signal ?? `status ${code}`}`)));
  return promise.finally(() => clearTimeout(timer));
}

function readWords(path: string): string {
  try {
    return readFileSync(path, "utf8").trim().slice(-2000);
  } catch {
    return "";
  }
}
