import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { Readable } from "node:stream";

/** Where a proxy listens and where it leads. */
export interface ProxyTarget {
  readonly protocol: string;
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerIp: string;
  readonly containerPort: number;
}

/**
 * Starts a proxy with docker-proxy's command line, detached, and waits for its report on descriptor 3.
 * @returns its process id
 * @throws Error with the proxy's words when it cannot listen
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
  const words = report.replace(/^1\n/, "").trim();
  throw new Error(words || `${path} ended without a word`);
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

/** "0\n" as soon as it comes: the proxy then goes on; anything else up to the end of file. */
async function readReport(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += chunk;
    if (text.startsWith("0\n")) break;
  }
  stream.destroy();
  return text;
}

/** True while this process is the proxy for that target, and not another that got its number. */
export async function isProxy(pid: number, target: ProxyTarget): Promise<boolean> {
  if (pid <= 0) return false;
  const command = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
  return command.includes(`\0${proxyArguments(target).join("\0")}\0`);
}

/** Ends a proxy. Does nothing when it has ended. */
export async function stopProxy(pid: number, target: ProxyTarget): Promise<void> {
  if (!(await isProxy(pid, target))) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}
