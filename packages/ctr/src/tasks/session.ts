import { constants } from "node:os";
import { type SessionStream, startSession } from "@gantry/cli/session";
import type { Context } from "../command.ts";
import type { Supervisor } from "../supervisor/connect.ts";
import { isRpcError } from "../supervisor/failure.ts";
import { type Fifos, openFifos } from "./fifo-stream.ts";

/** A process of a task; without execId its first one. */
export interface ProcessRef {
  readonly namespace: string;
  readonly containerId: string;
  readonly execId?: string;
}

/** Opens the streams of a process: over the supervisor, or its named pipes. */
export function openStreams(supervisor: Supervisor, process: ProcessRef, fifos: Fifos | undefined): SessionStream {
  if (fifos) return openFifos(fifos, () => waitExit(supervisor, process));
  const stream = supervisor.open("tasks.attach", { ...process, stdin: true, stdout: true, stderr: true });
  return {
    items: stream.items,
    exitCode: stream.result.then(({ exitStatus }) => exitStatus),
    async send(input, ...blobs) {
      if (input.kind !== "detach") await stream.send(input, ...blobs);
    },
    cancel: () => stream.cancel(),
  };
}

/**
 * Connects this process with one in a container until that ends, and returns its exit code: its streams, the
 * terminal's size and keys, and without a terminal every signal.
 */
export async function follow(
  context: Context,
  {
    stream,
    process,
    terminal,
    start,
  }: { stream: SessionStream; process: ProcessRef; terminal: boolean; start?: () => Promise<void> },
): Promise<number> {
  const supervisor = await context.supervisor();
  const kill = (name: NodeJS.Signals) => supervisor.call("tasks.kill", { ...process, signal: constants.signals[name] });
  const session = startSession(context, stream, {
    tty: terminal,
    stdin: true,
    detachKeys: new Uint8Array(),
    resize: ({ width, height }) => supervisor.call("tasks.resizePty", { ...process, width, height }),
    ...(terminal ? {} : { kill }),
  });
  session.end.catch(() => {});
  try {
    await start?.();
  } catch (error) {
    session.close();
    throw error;
  }
  const end = await session.end;
  if (end.kind === "signalled") return end.exitCode;
  const told = end.kind === "ended" ? end.exitCode : undefined;
  return told ?? (await waitExit(supervisor, process));
}

export async function waitExit(supervisor: Supervisor, process: ProcessRef): Promise<number> {
  const { exitStatus } = await supervisor.call("tasks.wait", process);
  return exitStatus;
}

/** Removes a process that has ended; one that is gone already is as good. */
export async function deleteProcess(supervisor: Supervisor, process: ProcessRef): Promise<void> {
  try {
    await supervisor.call("tasks.delete", process);
  } catch (error) {
    if (!isRpcError(error, "NotFound")) throw error;
  }
}
