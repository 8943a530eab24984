import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { NativeSys } from "@gantry/native-sys";
import { AddressInUseError } from "./hold-port.ts";
import { killAndWait } from "./process-exit.ts";

/** Where a proxy listens and where it leads. */
export interface ProxyTarget {
  readonly protocol: string;
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerIp: string;
  readonly containerPort: number;
}

/** How long the end of a killed proxy is waited for. */
const STOP_TIMEOUT_MS = 5000;

/**
 * Starts a proxy with docker-proxy's command line, detached, and waits for its report on descriptor 3.
 * @returns its process id
 * @throws Error with the proxy's message when it cannot listen, AddressInUseError where the port is taken
 */
export async function startProxy(path: string, target: ProxyTarget): Promise<number> {
  const child = spawn(path, proxyArguments(target), {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
    detached: true,
    env: {},
  });
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  failed.catch(() => {});
  const report = await Promise.race([readReport(child.stdio[3] as Readable), failed]);
  child.unref();
  if (report.startsWith("0\n") && child.pid !== undefined) return child.pid;
  throw reportedError(report.replace(/^1\n/, "").trim() || `${path} ended without a report`);
}

/** docker-proxy's report is text alone; strerror(3) of EADDRINUSE is the part that every proxy has in common. */
function reportedError(message: string): Error {
  return /address already in use/i.test(message) ? new AddressInUseError(message) : new Error(message);
}

export function proxyArguments(target: ProxyTarget): string[] {
  return [
    ["-proto", target.protocol],
    ["-host-ip", target.hostIp],
    ["-host-port", String(target.hostPort)],
    ["-container-ip", target.containerIp],
    ["-container-port", String(target.containerPort)],
  ].flat();
}

/** Returns "0\n" as soon as it arrives, since the proxy then keeps running; anything else up to the end of file. */
async function readReport(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += chunk;
    if (text.startsWith("0\n")) break;
  }
  stream.destroy();
  return text;
}

/** Whether this process is the proxy for that target, and not another one with the same number. */
export async function isProxy(pid: number, target: ProxyTarget): Promise<boolean> {
  if (pid <= 0) return false;
  const command = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
  return command.includes(`\0${proxyArguments(target).join("\0")}\0`);
}

/** Stops a proxy; its port is free when this resolves. Does nothing when the proxy has ended. */
export async function stopProxy(native: NativeSys, pid: number, target: ProxyTarget): Promise<void> {
  if (pid <= 0) return;
  await killAndWait(native, pid, { isExpected: () => isProxy(pid, target), timeoutMs: STOP_TIMEOUT_MS });
}
