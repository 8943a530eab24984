import { constants } from "node:os";
import { type SessionStream, startSession } from "@gantry/cli/session";
import { isRpcError } from "@gantry/ipc/contracts/errors";
import type { Context } from "../command.ts";
import type { Supervisor } from "../supervisor/connect.ts";
import { type Fifos, openFifos } from "./fifo-stream.ts";
import type { StreamPlan } from "./stdio.ts";

/** A process of a task; without execId its first one. */
export interface ProcessRef {
  readonly namespace: string;
  readonly containerId: string;
  readonly execId?: string;
}

/** Opens the streams of a process: over the supervisor, or its named pipes. */
export function openStreams(supervisor: Supervisor, process: ProcessRef, fifos: Fifos | undefined): SessionStream {
  if (fifos) {
    // The pipes end, after all output, when the process is deleted.
    const ended = waitExit(supervisor, process).then(async (code) => {
      await deleteProcess(supervisor, process);
      return code;
    });
    return openFifos(fifos, { ended, closeStdin: () => supervisor.call("tasks.closeIO", process) });
  }
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

/** How following a process ended: the process did, or a signal ended this program and left the process alone. */
export interface Followed {
  readonly code: number;
  readonly hasEnded: boolean;
}

/**
 * Connects this process with one in a container until that ends: its streams, the terminal's size and keys, and
 * without a terminal every signal.
 */
export async function follow(
  context: Context,
  {
    stream,
    process,
    terminal,
    start,
  }: { stream: SessionStream; process: ProcessRef; terminal: boolean; start?: () => Promise<void> },
): Promise<Followed> {
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
  if (end.kind === "signalled") return { code: end.exitCode, hasEnded: false };
  const exitCode = end.kind === "ended" ? end.exitCode : undefined;
  return { code: exitCode ?? (await waitExit(supervisor, process)), hasEnded: true };
}

/** Starts a process, follows it to its exit and deletes it. @returns its exit code */
export async function startAndFollow(
  context: Context,
  {
    plan,
    process,
    fifos,
    start,
  }: { plan: StreamPlan; process: ProcessRef; fifos: Fifos | undefined; start: () => Promise<void> },
): Promise<number> {
  const supervisor = await context.supervisor();
  if (plan.isDetached || !plan.isAttached) {
    await start();
    if (plan.isDetached) return 0;
    const code = await waitExit(supervisor, process);
    await deleteProcess(supervisor, process);
    return code;
  }
  const stream = openStreams(supervisor, process, fifos);
  const { code, hasEnded } = await follow(context, { stream, process, terminal: plan.stdio.terminal, start });
  if (hasEnded) await deleteProcess(supervisor, process);
  return code;
}

/** Waits for the end of a process. @returns its exit code */
export async function waitExit(supervisor: Supervisor, process: ProcessRef): Promise<number> {
  const { exitStatus } = await supervisor.call("tasks.wait", process);
  return exitStatus;
}

/** Deletes a process that has exited; a deleted process is no failure. */
export async function deleteProcess(supervisor: Supervisor, process: ProcessRef): Promise<void> {
  try {
    await supervisor.call("tasks.delete", process);
  } catch (error) {
    if (!isRpcError(error, "NotFound")) throw error;
  }
}
