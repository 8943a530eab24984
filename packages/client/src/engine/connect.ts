import type { Client } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import { socketPath } from "./host.ts";

export type EngineMethods = (typeof engineContract)["methods"];
/** The engine, called. */
export type Engine = Client<EngineMethods>;

/** Connects; the messaging library is loaded here and nowhere earlier. */
export async function connectEngine(endpoint: string): Promise<Engine> {
  const [{ connect }, { engineContract }] = await Promise.all([
    import("@gantry/ipc/client"),
    import("@gantry/ipc/contracts/engine"),
  ]);
  const client = connect(engineContract, { endpoint, connectTimeoutMs: 0 });
  return {
    endpoint,
    // a person waits as long as it takes, and ends the program when it takes too long
    call: (method, request, options) => client.call(method, request, { timeoutMs: 0, ...options }),
    open: (method, request, options) => client.open(method, request, options),
    close: () => client.close(),
  };
}

/**
 * Why the engine cannot be reached, in one sentence; undefined when something does listen there.
 * Called after a failure only.
 */
export async function unreachable(endpoint: string): Promise<string | undefined> {
  const { connect: connectSocket } = await import("node:net");
  const code = await new Promise<string | undefined>((resolve) => {
    const socket = connectSocket(socketPath(endpoint));
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
  });
  if (code === undefined) return undefined;
  if (code === "EACCES" || code === "EPERM") {
    return `permission denied while trying to connect to the Gantry engine at ${endpoint}`;
  }
  return `Cannot connect to the Gantry engine at ${endpoint}. Is the engine running?`;
}
