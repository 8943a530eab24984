import type {
  CallNames,
  CallOptions,
  Client,
  InputOf,
  ItemOf,
  OpenStream,
  ReplyOf,
  RequestOf,
  StreamNames,
} from "@gantry/ipc";
import type { supervisorContract } from "@gantry/ipc/contracts/supervisor";

type M = (typeof supervisorContract)["methods"];
type WithoutNamespace<T> = Omit<T, "namespace">;

/** The namespace of all objects of the engine in its supervisor. */
export const namespace = "gantry";

/** The supervisor, seen from the engine's namespace. */
export interface Supervisor {
  call<K extends CallNames<M> & string>(
    method: K,
    request: WithoutNamespace<RequestOf<M[K]>>,
    options?: CallOptions,
  ): Promise<ReplyOf<M[K]>>;
  open<K extends StreamNames<M> & string>(
    method: K,
    request: WithoutNamespace<RequestOf<M[K]>>,
    options?: CallOptions,
  ): OpenStream<ItemOf<M[K]>, InputOf<M[K]>, ReplyOf<M[K]>>;
}

/** Puts the namespace into every request of a client. */
export function inNamespace(client: Client<M>): Supervisor {
  return {
    call: (method, request, options) =>
      client.call(method, { ...request, namespace } as unknown as RequestOf<M[typeof method]>, options),
    open: (method, request, options) =>
      client.open(method, { ...request, namespace } as unknown as RequestOf<M[typeof method]>, options),
  };
}
