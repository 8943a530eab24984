import { UsageError } from "@gantry/cli";
import { serve } from "@gantry/ipc";
import { runtimeContract } from "@gantry/ipc/contracts/runtime";
import { runtimeHandlers } from "../worker/handlers.ts";
import { warmUp } from "../worker/warm-up.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./context.ts";

const version = "0.1.0";
/** A worker that was started for a request gets it by then, and answers that first. */
const restMs = 15;

export const worker: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "worker",
      operands: "",
      summary:
        "Serves the runtime contract until standard input ends. One JSON line on standard output says where: address, pid, version.",
      flags: { address: { type: "string", value: "ENDPOINT", doc: "ipc://PATH of the socket to make" } },
      example: "oci-runtime worker --address ipc:///run/box/runtime.sock",
      count: [0, 0],
    },
    context,
  );
  if (!parsed) return 0;
  const { address } = parsed.flags;
  if (address === undefined) throw new UsageError("wants --address ipc://PATH");
  const host = await context.host();
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
  return 0;
};

/** The caller holds the other end: its death, however sudden, ends this process too. */
function inputEnd(): Promise<void> {
  return new Promise((resolve) => {
    process.stdin.once("end", resolve).once("error", resolve).once("close", resolve).resume();
  });
}
