import { serve } from "@gantry/ipc";
import { runtimeContract } from "@gantry/ipc/contracts/runtime";
import type { Context } from "../commands/context.ts";
import { loadHost } from "../host.ts";
import { runtimeHandlers } from "./handlers.ts";
import { warmUp } from "./warm-up.ts";

/** A worker that was started for a request gets it by then, and answers that first. */
const restMs = 15;

/**
 * Serves the runtime contract until standard input ends. One JSON line on standard output says where: address, pid,
 * version.
 * @param address `ipc://PATH` of the socket to make
 */
export async function serveWorker(context: Context, address: string, version: string): Promise<void> {
  const host = loadHost(await context.host());
  let isIdle = true;
  const onRequest = () => {
    isIdle = false;
  };
  const server = await serve(runtimeContract, runtimeHandlers(host, onRequest), {
    endpoint: address,
    onError: (error) => context.log.warn(error.message),
  });
  context.print(`${JSON.stringify({ address: server.endpoint, pid: process.pid, version })}\n`);
  setTimeout(() => void warmUp(host, () => isIdle), restMs).unref();
  await inputEnd();
  await server.close({ deadlineMs: 2000 });
}

/** The caller holds the other end: its death, however sudden, ends this process too. */
function inputEnd(): Promise<void> {
  return new Promise((resolve) => {
    process.stdin.once("end", resolve).once("error", resolve).once("close", resolve).resume();
  });
}
