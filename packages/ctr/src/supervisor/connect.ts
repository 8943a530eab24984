import type { Client } from "@gantry/ipc";
import type { supervisorContract } from "@gantry/ipc/contracts/supervisor";

export type SupervisorMethods = (typeof supervisorContract)["methods"];
/** The supervisor, called. */
export type Supervisor = Client<SupervisorMethods>;

export interface ConnectOptions {
  readonly endpoint: string;
  /** Milliseconds that a first connection may take; 0: it must be there at once. */
  readonly connectTimeoutMs: number;
  /** Ends every call; none: a person waits as long as it takes. */
  readonly signal: AbortSignal | undefined;
}

/** Connects; the messaging library is loaded here and nowhere earlier. */
export async function connectSupervisor({ endpoint, connectTimeoutMs, signal }: ConnectOptions): Promise<Supervisor> {
  const [{ connect }, { supervisorContract }] = await Promise.all([
    import("@gantry/ipc/client"),
    import("@gantry/ipc/contracts/supervisor"),
  ]);
  const client = connect(supervisorContract, { endpoint, connectTimeoutMs });
  const limit = signal ? { signal } : {};
  return {
    endpoint,
    call: (method, request, options) => client.call(method, request, { timeoutMs: 0, ...limit, ...options }),
    open: (method, request, options) => client.open(method, request, { ...limit, ...options }),
    close: () => client.close(),
  };
}
