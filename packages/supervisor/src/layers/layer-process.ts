import { spawn } from "node:child_process";
import { closeSync, promises as fs } from "node:fs";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { RpcError } from "@gantry/ipc";
import type { AppliedLayer, LayerTarget } from "./apply-layer.ts";
import { recordingFailure } from "./decompress-program.ts";
import { counted, isLayerFile, type LayerFile, type LayerSource } from "./layer-source.ts";
import { unpackCommand } from "./unpack-command.ts";
import { decodeAnswer, encodeTarget, type UnpackAnswer } from "./unpack-messages.ts";

/** The command that starts this program. */
export interface SelfCommand {
  readonly program: string;
  readonly args: readonly string[];
}

export interface LayerProcessOptions {
  /** Called with the number of bytes that have been read. */
  readonly onRead?: (bytes: number) => void;
  /** Ends the process. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Unpacks a layer as `applyLayer` does, in a process of its own: this one stays responsive while a slow disk blocks the
 * other, and the memory is freed with it.
 */
export async function applyLayerInProcess(
  self: SelfCommand,
  source: LayerSource,
  target: LayerTarget,
  { onRead = () => {}, signal }: LayerProcessOptions = {},
): Promise<AppliedLayer> {
  using file = isLayerFile(source) ? watchPosition(source, onRead, signal) : undefined;
  const stdio = [file?.fd ?? "pipe", "pipe", "pipe"] as const;
  const child = spawn(self.program, [...self.args, unpackCommand, encodeTarget(target)], { stdio: [...stdio] });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  ended.catch(() => {});
  const answer = text(child.stdout as Readable);
  const stderr = text(child.stderr as Readable);
  for (const reading of [answer, stderr]) reading.catch(() => {});
  const end = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", end, { once: true });
  try {
    if (child.stdin && !isLayerFile(source)) await feed(counted(source, onRead), child.stdin);
    await ended;
    signal?.throwIfAborted();
    return parseAnswer(await answer, await stderr);
  } finally {
    signal?.removeEventListener("abort", end);
    end();
    await ended.catch(() => {});
  }
}

/** Interval at which the position in a file is read. */
const pollMs = 100;

/** Reports how far the process has read a file, whose descriptor it shares; closes it at the end. */
function watchPosition(
  { fd }: LayerFile,
  onRead: (bytes: number) => void,
  signal: AbortSignal | undefined,
): LayerFile & Disposable {
  const poll = async (): Promise<void> => {
    const info = await fs.readFile(`/proc/self/fdinfo/${fd}`, "utf8").catch(() => "");
    const position = info.match(/^pos:\s+(\d+)/m)?.[1];
    if (position !== undefined && !signal?.aborted) onRead(Number(position));
  };
  const timer = setInterval(() => void poll(), pollMs);
  const end = (): void => {
    clearInterval(timer);
    closeSync(fd);
  };
  return { fd, [Symbol.dispose]: end };
}

/** Writes the layer to the process. A process that stops reading reports why; a failure of the source is thrown. */
async function feed(source: AsyncIterable<Uint8Array>, stdin: NodeJS.WritableStream): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const recorded = recordingFailure(source, (error) => {
    failure = { error };
  });
  try {
    await pipeline(Readable.from(recorded, { objectMode: false }), stdin);
  } catch {
    if (failure) throw failure.error;
  }
}

function parseAnswer(answer: string, stderr: string): AppliedLayer {
  let parsed: UnpackAnswer;
  try {
    parsed = decodeAnswer(answer);
  } catch {
    throw new RpcError("Internal", `the process that unpacks ended without an answer: ${stderr.trim().slice(-500)}`);
  }
  if ("applied" in parsed) return parsed.applied;
  const { message, code, syscall, rpc } = parsed.failed;
  if (rpc !== undefined) throw new RpcError(rpc, message);
  throw Object.assign(new Error(message), { ...(code && { code }), ...(syscall && { syscall }) });
}
