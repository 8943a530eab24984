import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { NativeSys } from "@gantry/native-sys";
import { AddressInUseError } from "./hold-port.ts";
import type { PublishedPort } from "./port-spec.ts";
import { killAndWait } from "./process-exit.ts";

/** How long the end of a killed proxy is waited for. */
const STOP_TIMEOUT_MS = 5000;

/**
 * Starts a proxy with docker-proxy's command line, detached, and waits for its report on descriptor 3.
 * @returns its process id
 * @throws Error with the proxy's message when it cannot listen, AddressInUseError where the port is taken
 */
export async function startProxy(path: string, containerIp: string, port: PublishedPort): Promise<number> {
  const child = spawn(path, proxyArguments(containerIp, port), {
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

export function proxyArguments(containerIp: string, port: PublishedPort): string[] {
  return [
    ["-proto", port.protocol],
    ["-host-ip", port.hostIp],
    ["-host-port", String(port.hostPort)],
    ["-container-ip", containerIp],
    ["-container-port", String(port.containerPort)],
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

/** Whether a port's proxy runs; another process may have got its number. */
export async function hasProxy(containerIp: string, port: PublishedPort): Promise<boolean> {
  if (port.proxyPid <= 0) return false;
  const command = await readFile(`/proc/${port.proxyPid}/cmdline`, "latin1").catch(() => "");
  return command.includes(`\0${proxyArguments(containerIp, port).join("\0")}\0`);
}

/** Stops a port's proxy; the port is free when this resolves. Does nothing when the proxy has ended. */
export async function stopProxy(native: NativeSys, containerIp: string, port: PublishedPort): Promise<void> {
  if (port.proxyPid <= 0) return;
  const isExpected = () => hasProxy(containerIp, port);
  await killAndWait(native, port.proxyPid, { isExpected, timeoutMs: STOP_TIMEOUT_MS });
}
