import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Accelerator } from "./accelerator.ts";
import { writeJob } from "./job.ts";
import type { Kernel } from "./kernel.ts";
import { type Machine, startMachine } from "./machine.ts";

export interface GuestRequest {
  readonly kernel: Kernel;
  readonly command: readonly string[];
  /** Boot with systemd as process 1. */
  readonly systemd: boolean;
  readonly memoryMiB: number;
  readonly timeoutSeconds: number;
  readonly processors: number;
  readonly accelerator: Accelerator;
  /** Where the command runs. */
  readonly directory: string;
}

export interface Streams {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/** How long a boot may take; an emulated one on a busy machine takes its time. */
const bootLimitMs = 90_000;

/**
 * Boots a guest, runs the command and returns its exit status, 124 when it took too long. A guest that does not come
 * up is tried once more: an emulated processor's clock sometimes stops at boot.
 * @throws Error with the end of the console when the guest breaks down
 */
export async function runInGuest(request: GuestRequest, streams: Streams): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "vm-"));
  const interrupt = new AbortController();
  const forward = (signal: NodeJS.Signals) => interrupt.abort(signal);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, forward);
  try {
    writeJob(join(directory, "job"), request);
    for (let tries = 0; ; tries++) {
      const machine = startMachine(request, directory, streams);
      const abort = () => machine.end();
      interrupt.signal.addEventListener("abort", abort);
      try {
        const outcome = await attend(machine, request.timeoutSeconds * 1000);
        if (interrupt.signal.aborted) return 128 + (interrupt.signal.reason === "SIGINT" ? 2 : 15);
        if (outcome !== "did not boot") return outcome;
        if (tries > 0) throw new Error(`the guest did not start:\n${machine.console()}`);
        streams.stderr.write("the guest did not start; trying again\n");
      } finally {
        interrupt.signal.removeEventListener("abort", abort);
        machine.end();
        await machine.ended;
      }
    }
  } finally {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, forward);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function attend(machine: Machine, limitMs: number): Promise<number | "did not boot"> {
  const up = await Promise.race([machine.up.then(() => true), machine.ended.then(() => false), after(bootLimitMs)]);
  if (up !== true) return "did not boot";
  const late = await Promise.race([machine.ended.then(() => false), after(limitMs).then(() => true)]);
  if (late) return 124;
  const status = machine.status();
  if (status === undefined) throw new Error(`the guest broke down:\n${machine.console()}`);
  return status;
}

function after(ms: number): Promise<undefined> {
  return delay(ms, undefined, { ref: false });
}
