import { type Session, type SessionEnd, startSession } from "@gantry/cli/session";
import { isRpcError } from "@gantry/ipc/contracts/errors";
import type { Context } from "../command.ts";
import type { Engine } from "../engine/connect.ts";
import { openAttach } from "./attach.ts";
import { startFailure } from "./failure.ts";

export interface CreatedContainer {
  readonly id: string;
  /** It is removed when it ends. */
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

/** Starts a container and leaves it to itself; prints its id, for one that fails to start is there, too. */
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
  // asked before the start, so that a removal that follows the end at once is not missed
  const removed = container.autoRemove ? waitRemoved(engine, id) : undefined;
  return await finish({ context, engine, container, session, removed, inputOnly });
}

interface Running {
  readonly context: Context;
  readonly engine: Engine;
  readonly container: CreatedContainer;
  readonly session: Session;
  readonly removed: Promise<number | undefined> | undefined;
  /** Only input is attached: the id is what there is to show. */
  readonly inputOnly: boolean;
}

async function finish({ context, engine, container, session, removed, inputOnly }: Running): Promise<number> {
  // when the start fails the session may end in its own way before that is known
  session.end.catch(() => {});
  try {
    await start(context, engine, container);
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

async function start(context: Context, engine: Engine, { id, autoRemove }: CreatedContainer): Promise<void> {
  try {
    await engine.call("containerStart", { Id: id });
  } catch (error) {
    const failure = await startFailure(error, context);
    if (autoRemove) {
      // the engine may have done so already
      await engine.call("containerRemove", { Id: id, Force: true, RemoveVolumes: true }).catch(() => {});
    }
    throw failure;
  }
}

async function waitRemoved(engine: Engine, id: string): Promise<number | undefined> {
  try {
    return (await engine.call("containerWait", { Id: id, Condition: "removed" })).StatusCode;
  } catch (error) {
    // gone already; the attached stream knows the code
    if (isRpcError(error, "NotFound")) return undefined;
    throw error;
  }
}

/** The exit code that the stream told, or the engine's word where the stream only ended. */
export async function exitCodeOf(engine: Engine, id: string, end: SessionEnd & { kind: "ended" }): Promise<number> {
  return end.exitCode ?? (await engine.call("containerWait", { Id: id, Condition: "not-running" })).StatusCode;
}
