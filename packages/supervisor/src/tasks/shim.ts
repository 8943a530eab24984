import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { messageOf } from "@gantry/common/error-message";
import { readReadyLine } from "@gantry/common/ready-line";
import { type Client, connect } from "@gantry/ipc";
import type { Runtime } from "@gantry/ipc/contracts/common";
import { type ShimBootstrap, shimContract, shimReady } from "@gantry/ipc/contracts/shim";
import { parseDocument } from "@gantry/ipc/formats/document";
import { shimFiles } from "@gantry/ipc/formats/shim-directory";
import { unavailable } from "../errors.ts";

export type ShimClient = Client<typeof shimContract.methods>;

/** A shim that listens. */
export interface Shim {
  readonly directory: string;
  readonly address: string;
  readonly pid: number;
  readonly client: ShimClient;
}

/** A shim that this process started and that has no container yet: it ends when its standard input is closed. */
export interface StartedShim extends Shim {
  /** Lets the shim outlive this process. */
  release(): void;
  /** Ends the shim. */
  discard(): void;
  /** Calls back when the shim ends before it was released. */
  onEnd(callback: () => void): void;
}

export interface ShimOptions {
  /** The shim's binary. */
  readonly path: string;
  /** Each shim gets a new directory in this one. */
  readonly directory: string;
  /** The runtime whose worker the shim starts ahead of its container. */
  readonly standbyRuntime: Runtime | undefined;
}

const readyOptions = { timeoutMs: 30_000, maxBytes: 4096 };
const connectTimeoutMs = 2000;
const longestReason = 2000;

/** Starts a shim, detached. @throws RpcError Unavailable with the shim's standard error */
export async function startShim({ path, directory: parent, standbyRuntime }: ShimOptions): Promise<StartedShim> {
  const directory = `${parent}/${randomBytes(5).toString("hex")}`;
  mkdirSync(directory, { mode: 0o700 });
  try {
    const bootstrap = { version: 1, directory, ...(standbyRuntime && { standbyRuntime }) } as const;
    const { child, address, pid } = await bootShim(path, bootstrap);
    return started(child, { directory, address, pid, client: connectShim(address) });
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Starts a shim in the directory of one that died, for the container that lives on in its keeper.
 * @returns its pid, once it serves the same address
 * @throws RpcError Unavailable with what the shim wrote to its standard error
 */
export async function adoptShim(path: string, directory: string): Promise<number> {
  const { child, pid } = await bootShim(path, { version: 1, directory, adopt: true });
  child.stdin?.destroy();
  child.unref();
  return pid;
}

/** Starts a shim and waits until it serves. */
async function bootShim(
  path: string,
  bootstrap: ShimBootstrap,
): Promise<{ child: ChildProcess; address: string; pid: number }> {
  const stderr = `${bootstrap.directory}/${shimFiles.stderr}`;
  const child = spawnShim(path, stderr);
  try {
    child.stdin?.on("error", () => {}); // the shim has ended: its exit is reported
    child.stdin?.write(`${JSON.stringify(bootstrap)}\n`);
    const line = await readReadyLine(child, readyOptions);
    const { address, pid } = parseDocument(shimReady, line, "the shim's first line");
    child.stdout?.destroy();
    return { child, address, pid };
  } catch (error) {
    child.kill("SIGKILL");
    throw unavailable(`cannot start the shim ${path}: ${readTail(stderr) || messageOf(error)}`, error);
  }
}

/** A client of a shim; its calls fail with Unavailable while it does not accept the connection. */
export function connectShim(address: string): ShimClient {
  return connect(shimContract, { endpoint: address, connectTimeoutMs });
}

function spawnShim(path: string, stderr: string): ChildProcess {
  const log = openSync(stderr, "a", 0o600);
  try {
    // The readiness of this service is not that of its containers, whose OCI runtime would wait for it.
    const { NOTIFY_SOCKET: _, ...inherited } = process.env;
    // One heap for all threads of a shim and its children: with one for each, glibc keeps 0.7 MB more.
    const env = { ...inherited, MALLOC_ARENA_MAX: "1" };
    return spawn(path, [], { detached: true, cwd: "/", stdio: ["pipe", "pipe", log], env });
  } finally {
    closeSync(log);
  }
}

function started(child: ChildProcess, shim: Shim): StartedShim {
  let isReleased = false;
  let onEnd: (() => void) | undefined;
  child.once("exit", () => {
    if (!isReleased) onEnd?.();
  });
  const release = () => {
    isReleased = true;
    child.stdin?.destroy();
    child.unref();
  };
  return {
    ...shim,
    release,
    discard() {
      release();
      shim.client.close();
    },
    onEnd(callback) {
      if (child.exitCode === null && child.signalCode === null) onEnd = callback;
      else callback();
    },
  };
}

function readTail(path: string): string {
  try {
    return readFileSync(path, "utf8").trim().slice(-longestReason);
  } catch {
    return "";
  }
}
