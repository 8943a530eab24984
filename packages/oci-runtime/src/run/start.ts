import { closeSync, constants, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import type { Host } from "../host.ts";
import { demand, stateDocument, statusOf } from "../state/lifecycle.ts";
import type { Record, Store } from "../state/store.ts";
import { hooksMs, runHooks } from "./hooks.ts";
import { parseMessage } from "./launch/message.ts";
import { ready } from "./launch/ready.ts";

/**
 * Lets a created container's process become its program, and returns once it has.
 * @throws ContainerError FailedPrecondition; Error when a hook or the program could not be run
 */
export async function startContainer(host: Host, store: Store, id: string): Promise<void> {
  const record = store.load(id);
  demand("start", statusOf(store, record, host.facts), id);
  await release(host, store, record);
  try {
    await runHooks(host, "poststart", record.spec.hooks?.poststart, stateDocument(record, "running"));
  } catch (error) {
    // The specification has the runtime log it and go on.
    host.warn((error as Error).message);
  }
}

async function release(host: Host, store: Store, record: Record): Promise<void> {
  const result = openSync(store.resultPipe(record.id), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const pipe = openSync(store.startPipe(record.id), constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(pipe, "0");
    } finally {
      closeSync(pipe);
    }
    unlinkSync(store.startPipe(record.id));
    host.debug?.(`start: process ${record.pid} is released`);
    const hooks = record.spec.hooks?.startContainer ?? [];
    const said = await readToEnd(host, result, hooksMs(hooks.map(({ timeout = 0 }) => timeout)) + host.waitLimitMs);
    const message = parseMessage(said);
    if (!message) return;
    const { startError } = await import("./launch/failure.ts");
    throw startError(message.value, message.text);
  } finally {
    closeSync(result);
  }
}

/** Interval of the polls; the program has usually started before a watch could be set up. */
const lookMs = 1;

/**
 * The helper's end closes when it becomes the program, or when it ends after a message.
 * @throws Error once the limit is over
 */
async function readToEnd(host: Host, fd: number, limitMs: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const chunk = Buffer.alloc(4096);
  for (const began = performance.now(); ; ) {
    try {
      const length = readSync(fd, chunk);
      if (length === 0) return Buffer.concat(chunks);
      chunks.push(Buffer.from(chunk.subarray(0, length)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      if (performance.now() - began < lookMs) await new Promise(setImmediate);
      else if (!(await ready(host, fd, { limitMs })))
        throw new Error(
          `the container's process has not become its program within ${limitMs / 1000} s: it is stopped, frozen, or waits in the kernel`,
        );
    }
  }
}
