import { SOCK_CLOEXEC, SOCK_STREAM } from "@gantry/native-sys";
import type { Seccomp, State } from "@gantry/oci-spec/runtime";
import type { Host } from "../../host.ts";

/** A process that has loaded a filter with a listener, and waits until the listener is handed over. */
export interface Listening {
  readonly pid: number;
  /** The listener's descriptor in that process, as it said. */
  readonly descriptor: string;
  readonly seccomp: Seccomp | undefined;
  /** The container's state, as hooks read it. */
  readonly state: State;
}

/**
 * Sends the listener and a container process state (runtime-spec config-linux.md "The Container Process State") to the
 * socket of linux.seccomp.listenerPath.
 * @throws Error naming that path when no process accepts it
 */
export function sendListener({ native }: Host, { pid, descriptor, seccomp, state }: Listening): void {
  const { listenerPath = "", listenerMetadata } = seccomp ?? {};
  const document = {
    ociVersion: state.ociVersion,
    fds: ["seccompFd"],
    pid,
    ...(listenerMetadata === undefined ? {} : { metadata: listenerMetadata }),
    state,
  };
  const opened: number[] = [];
  try {
    const process = native.pidfdOpen(pid);
    opened.push(process);
    const listener = native.pidfdGetfd(process, Number(descriptor));
    opened.push(listener);
    const socket = native.unixConnect(listenerPath, SOCK_STREAM | SOCK_CLOEXEC);
    opened.push(socket);
    native.sendFds(socket, Buffer.from(JSON.stringify(document)), [listener]);
  } catch (error) {
    throw new Error(`linux.seccomp.listenerPath: sending the listener to ${listenerPath}: ${(error as Error).message}`);
  } finally {
    for (const fd of opened) native.closeFd(fd);
  }
}
