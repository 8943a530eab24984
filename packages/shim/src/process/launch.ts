import { RpcError } from "@gantry/ipc";
import { isSystemError, SIGNALS } from "@gantry/native-sys";
import type { ShimContext } from "../context.ts";
import type { RuntimeStreams } from "../runtime/runtime.ts";
import type { ContainerProcess } from "./process.ts";

export interface LaunchHooks {
  /** Called once the process exists, before its exit is reported. */
  readonly onStarted: () => void;
  readonly onExit: (exitStatus: number) => void;
}

/**
 * Creates the streams, has the runtime create the process, and watches for its exit.
 * @returns its id
 * @throws RpcError of the runtime, or InvalidArgument for unusable streams; then nothing of the process is left
 */
export async function launch(
  context: ShimContext,
  target: ContainerProcess,
  run: (streams: RuntimeStreams) => Promise<number>,
  hooks: LaunchHooks,
): Promise<number> {
  using _ = context.reaper.hold();
  try {
    const streams = orInvalidArgument(() => target.stdio.prepare());
    target.pid = await run(streams);
    target.stdio.closeFar();
    await target.stdio.open();
  } catch (error) {
    if (target.pid > 0) {
      signalProcess(context, target, SIGNALS.SIGKILL);
      await new Promise<number>((resolve) => context.reaper.watch(target.pid, resolve));
    }
    await target.stdio.close();
    throw error;
  }
  hooks.onStarted();
  context.reaper.watch(target.pid, hooks.onExit);
  return target.pid;
}

/** Signals a process that has not been reaped: its id cannot be another's. @throws RpcError InvalidArgument */
export function signalProcess(context: ShimContext, target: ContainerProcess, signal: number): void {
  try {
    context.sys.kill(target.pid, signal);
  } catch (error) {
    if (!isSystemError(error, "EINVAL")) throw error;
    throw new RpcError("InvalidArgument", `signal ${signal} is none: it must be from 1 to 64`);
  }
}

/** Turns a failure caused by the request (a path that is no named pipe, a log that cannot be opened) into InvalidArgument. */
export function orInvalidArgument<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new RpcError("InvalidArgument", (error as Error).message, undefined, { cause: error });
  }
}
