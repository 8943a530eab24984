import type { Client } from "@gantry/ipc";
import type { supervisorContract } from "@gantry/ipc/contracts/supervisor";

export type SupervisorMethods = (typeof supervisorContract)["methods"];
/** A client of the supervisor. */
export type Supervisor = Client<SupervisorMethods>;

export interface ConnectOptions {
  readonly endpoint: string;
  /** Milliseconds that the first connection may take; 0: the supervisor must be listening already. */
  readonly connectTimeoutMs: number;
  /** Ends every call; undefined: calls have no deadline. */
  readonly signal: AbortSignal | undefined;
}

/** Connects. The messaging library is loaded only here, so that other commands start quickly. */
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
