import type { Client } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";

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
