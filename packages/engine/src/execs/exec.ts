import type { InputOf, ItemOf, OpenStream, ReplyOf, RequestOf, StreamContext } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import type { supervisorContract } from "@gantry/ipc/contracts/supervisor";
import type { Container, Signalled } from "../containers/container.ts";

type Methods = (typeof engineContract)["methods"];
export type ExecRequest = RequestOf<Methods["execCreate"]>;
export type ExecContext = StreamContext<ItemOf<Methods["execStart"]>, InputOf<Methods["execStart"]>>;
type TaskAttach = (typeof supervisorContract.methods)["tasks.attach"];
export type Upstream = OpenStream<ItemOf<TaskAttach>, InputOf<TaskAttach>, ReplyOf<TaskAttach>>;

/** A command in a container. */
export interface Exec {
  readonly id: string;
  readonly container: Container;
  readonly request: ExecRequest;
  state: "created" | "running" | "ended";
  pid: number;
  exitCode: number | null;
  readonly ended: Signalled<number>;
}

/** As the Engine API's exec inspect. */
export function execView(exec: Exec): Record<string, unknown> {
  const { container, request, state, exitCode, pid } = exec;
  const [entrypoint = "", ...words] = request.Cmd;
  return {
    ID: exec.id,
    Running: state === "running",
    ExitCode: exitCode,
    ProcessConfig: {
      tty: request.Tty ?? false,
      entrypoint,
      arguments: words,
      privileged: request.Privileged ?? false,
      ...(request.User ? { user: request.User } : {}),
    },
    OpenStdin: request.AttachStdin ?? false,
    OpenStderr: request.AttachStderr ?? false,
    OpenStdout: request.AttachStdout ?? false,
    CanRemove: state === "ended",
    ContainerID: container.id,
    DetachKeys: "",
    Pid: pid,
  };
}

/** What the shim does with the streams. */
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

/** Passes on what the caller sends, until it ends or detaches. */
export async function copyInput(upstream: Upstream, context: ExecContext): Promise<"ended" | "detached"> {
  for await (const { value, blobs } of context.input) {
    if (value.kind === "detach") return "detached";
    await upstream.send(value, ...blobs);
  }
  upstream.end();
  return "ended";
}
