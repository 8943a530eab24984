import { type Session, type SessionEnd, startSession } from "@gantry/cli/session";
import { type TerminalSize, terminalSize } from "@gantry/cli/terminal";
import { isRpcError } from "@gantry/ipc/contracts/errors";
import type { Context } from "../command.ts";
import type { Engine } from "../engine/connect.ts";
import { openAttach } from "./attach.ts";
import { startFailure } from "./failure.ts";

export interface CreatedContainer {
  readonly id: string;
  /** The engine removes it when it exits. */
  readonly autoRemove: boolean;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
  readonly sigProxy: boolean;
  readonly detachKeys: Uint8Array;
}

/** Starts a container in the background; prints its id, also when the start fails, since the container exists. */
export async function runDetached(context: Context, container: CreatedContainer): Promise<number> {
  const engine = await context.engine();
  try {
    await start(context, engine, container);
  } finally {
    context.out.print(container.id);
  }
  return 0;
}

/** Starts a container with its streams connected to this process, and returns its exit code. */
export async function runAttached(
  context: Context,
  container: CreatedContainer,
  options: AttachOptions,
): Promise<number> {
  const engine = await context.engine();
  const { id } = container;
  const stream = await openAttach(engine, {
    Id: id,
    Stdin: options.stdin,
    Stdout: options.stdout,
    Stderr: options.stderr,
  });
  const inputOnly = !options.stdout && !options.stderr;
  const session = startSession(context, stream, {
    tty: options.tty,
    stdin: options.stdin,
    inputOnly,
    detachKeys: options.detachKeys,
    resize: ({ height, width }) => engine.call("containerResize", { Id: id, Height: height, Width: width }),
    ...(options.sigProxy ? { kill: (signal) => engine.call("containerKill", { Id: id, Signal: signal }) } : {}),
  });
  // Requested before the start, so that a removal right after the exit is not missed.
  const removed = container.autoRemove ? waitRemoved(engine, id) : undefined;
  const size = options.tty ? terminalSize() : undefined;
  return await finish({ context, engine, container, session, removed, inputOnly, size });
}

interface Running {
  readonly context: Context;
  readonly engine: Engine;
  readonly container: CreatedContainer;
  readonly session: Session;
  readonly removed: Promise<number | undefined> | undefined;
  /** Only input is attached: the id is printed. */
  readonly inputOnly: boolean;
  /** The container's terminal gets it before the start. */
  readonly size: TerminalSize | undefined;
}

async function finish({ context, engine, container, session, removed, inputOnly, size }: Running): Promise<number> {
  // When the start fails, the session may end before the failure is known.
  session.end.catch(() => {});
  try {
    await start(context, engine, container, size);
  } catch (error) {
    session.close();
    throw error;
  }
  if (inputOnly) context.out.print(container.id);
  const end = await session.end;
  if (inputOnly || end.kind === "detached") return 0;
  if (end.kind === "signalled") return end.exitCode;
  return (await removed) ?? (await exitCodeOf(engine, container.id, end));
}

async function start(
  context: Context,
  engine: Engine,
  { id, autoRemove }: CreatedContainer,
  size?: TerminalSize,
): Promise<void> {
  try {
    await engine.call("containerStart", { Id: id, ...(size ? { ConsoleSize: [size.height, size.width] } : {}) });
  } catch (error) {
    const failure = await startFailure(error, context);
    if (autoRemove) {
      // The engine may have removed it already.
      await engine.call("containerRemove", { Id: id, Force: true, RemoveVolumes: true }).catch(() => {});
    }
    throw failure;
  }
}

async function waitRemoved(engine: Engine, id: string): Promise<number | undefined> {
  try {
    return (await engine.call("containerWait", { Id: id, Condition: "removed" })).StatusCode;
  } catch (error) {
    // It is removed already; the attached stream has the exit code.
    if (isRpcError(error, "NotFound")) return undefined;
    throw error;
  }
}

/** The exit code from the stream, or from the engine where the stream ended without one. */
export async function exitCodeOf(engine: Engine, id: string, end: SessionEnd & { kind: "ended" }): Promise<number> {
  return end.exitCode ?? (await engine.call("containerWait", { Id: id, Condition: "not-running" })).StatusCode;
}
