import type { InputOf, ItemOf, RequestOf, StreamContext } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import type { ContainerConfig, HostConfig } from "@gantry/ipc/contracts/engine-types";
import type { TaskStreams } from "../supervisor/tasks.ts";

type Methods = (typeof engineContract)["methods"];
export type ExecRequest = RequestOf<Methods["execCreate"]>;
export type ExecContext = StreamContext<ItemOf<Methods["execStart"]>, InputOf<Methods["execStart"]>>;

/** The container of an exec. */
export interface ExecTarget {
  readonly id: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** Waits for operations on the container that are under way. @throws RpcError FailedPrecondition unless it runs */
  requireRunning(): Promise<void>;
  /** Its additional groups, by number. */
  groups(): Promise<number[]>;
  /** Emits an event of the container. */
  emit(action: string, attributes: Readonly<Record<string, string>>): void;
}

/** A command in a container, beside its first process. */
export interface Exec {
  readonly id: string;
  readonly target: ExecTarget;
  readonly request: ExecRequest;
  state: "created" | "running" | "ended";
  pid: number;
  exitCode: number | null;
  readonly ended: PromiseWithResolvers<number>;
}

/** As the Engine API's exec inspect. */
export function execView(exec: Exec): Record<string, unknown> {
  const { target, request, state, exitCode, pid } = exec;
  const [entrypoint = "", ...args] = request.Cmd;
  return {
    ID: exec.id,
    Running: state === "running",
    ExitCode: exitCode,
    ProcessConfig: {
      tty: request.Tty ?? false,
      entrypoint,
      arguments: args,
      privileged: request.Privileged ?? false,
      ...(request.User ? { user: request.User } : {}),
    },
    OpenStdin: request.AttachStdin ?? false,
    OpenStderr: request.AttachStderr ?? false,
    OpenStdout: request.AttachStdout ?? false,
    CanRemove: state === "ended",
    ContainerID: target.id,
    DetachKeys: "",
    Pid: pid,
  };
}

/** The streams of an exec as the shim is to set them up. */
export function stdioOf(request: ExecRequest, attached: boolean) {
  const [height = 0, width = 0] = request.ConsoleSize ?? [];
  const stdin = attached && (request.AttachStdin ?? false);
  return {
    terminal: request.Tty ?? false,
    stdin,
    stdinOnce: stdin,
    ...(request.Tty && height > 0 && width > 0 ? { consoleSize: { width, height } } : {}),
  };
}

/** Passes the caller's input on, until it ends or the caller detaches. */
export async function copyInput(upstream: TaskStreams, context: ExecContext): Promise<"ended" | "detached"> {
  for await (const { value, blobs } of context.input) {
    if (value.kind === "detach") return "detached";
    await upstream.send(value, ...blobs);
  }
  upstream.end();
  return "ended";
}
