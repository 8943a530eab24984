import { spawn } from "node:child_process";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { RpcError } from "@gantry/ipc";
import type { AppliedLayer, LayerTarget } from "./apply-layer.ts";
import { unpackCommand } from "./unpack-command.ts";
import type { ProcessAnswer } from "./unpack-process.ts";

/** How this program is started again. */
export interface SelfCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/**
 * Unpacks a layer as `applyLayer` does, in a process of its own: this one goes on to answer while a slow disk holds
 * the other up, and what it needs of memory goes with it.
 */
export async function applyLayerApart(
  self: SelfCommand,
  source: AsyncIterable<Uint8Array>,
  target: LayerTarget,
): Promise<AppliedLayer> {
  const child = spawn(self.program, [...self.args, unpackCommand, JSON.stringify(target)], { stdio: "pipe" });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  ended.catch(() => {});
  const answer = text(child.stdout);
  const words = text(child.stderr);
  for (const reading of [answer, words]) reading.catch(() => {});
  try {
    await feed(source, child.stdin);
    await ended;
    return applied(await answer, await words);
  } finally {
    child.kill("SIGKILL");
    await ended.catch(() => {});
  }
}

/** Gives it the bytes. Where it takes no more, its answer says why; where they fail, that is what counts. */
async function feed(source: AsyncIterable<Uint8Array>, stdin: NodeJS.WritableStream): Promise<void> {
  let failure: { error: unknown } | undefined;
  async function* noted(): AsyncGenerator<Uint8Array> {
    const iterator = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        // Only what fails here is the source's: a broken pipe is thrown into the generator at its `yield`.
        const next = await iterator.next().catch((error: unknown) => {
          failure = { error };
          throw error;
        });
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  try {
    await pipeline(Readable.from(noted(), { objectMode: false }), stdin);
  } catch {
    if (failure) throw failure.error;
  }
}

function applied(answer: string, words: string): AppliedLayer {
  let parsed: ProcessAnswer;
  try {
    parsed = JSON.parse(answer) as ProcessAnswer;
  } catch {
    throw new RpcError("Internal", `the process that unpacks ended without an answer: ${words.trim().slice(-500)}`);
  }
  if ("applied" in parsed) return parsed.applied;
  const { message, code, syscall, rpc } = parsed.failed;
  if (rpc !== undefined) throw new RpcError(rpc, message);
  throw Object.assign(new Error(message), { ...(code && { code }), ...(syscall && { syscall }) });
}
