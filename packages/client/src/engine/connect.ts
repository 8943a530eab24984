import type { Client } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";

export type EngineMethods = (typeof engineContract)["methods"];
/** A client of the engine. */
export type Engine = Client<EngineMethods>;

/** Connects. The messaging library is loaded only here, so that other commands start quickly. */
export async function connectEngine(endpoint: string): Promise<Engine> {
  const [{ connect }, { engineContract }] = await Promise.all([
    import("@gantry/ipc/client"),
    import("@gantry/ipc/contracts/engine"),
  ]);
  const client = connect(engineContract, { endpoint, connectTimeoutMs: 0 });
  return {
    endpoint,
    // No deadline: the user interrupts a command that takes too long.
    call: (method, request, options) => client.call(method, request, { timeoutMs: 0, ...options }),
    open: (method, request, options) => client.open(method, request, options),
    close: () => client.close(),
  };
}
