import type { Contract, Methods } from "../contracts/define.ts";
import { RpcError } from "../contracts/errors.ts";
import { Dispatcher } from "./calls/dispatcher.ts";
import { parseEndpoint } from "./transport/endpoint.ts";
import { routerListener } from "./transport/router.ts";
import type { Handlers, Serve, ServeOptions, Server } from "./types.ts";

const closeDeadlineMs = 5000;

/**
 * Serves a contract over ZeroMQ.
 * @throws RpcError InvalidArgument for an endpoint that cannot be, or tcp without keys; FailedPrecondition
 *   when the socket's directory is open to others; AlreadyExists when another server listens there
 */
export const serve: Serve = async <M extends Methods>(
  contract: Contract<M>,
  handlers: Handlers<M>,
  options: ServeOptions,
): Promise<Server> => {
  const endpoint = parseEndpoint(options.endpoint);
  if (endpoint.kind === "tcp" && options.curve === undefined) {
    throw new RpcError("InvalidArgument", `${options.endpoint}: tcp needs CURVE keys and a list of allowed clients`);
  }
  const listener = await routerListener(endpoint, options, {
    receive: (route, frames) => dispatcher.receive(route, frames),
    gone: (route) => dispatcher.gone(route),
    routes: () => dispatcher.routes,
  });
  const dispatcher = new Dispatcher({
    contract,
    handlers,
    post: (route, frames) => listener.send(route, frames),
    onError: options.onError ?? (() => undefined),
  });
  // Handlers are ready before this: clients may call as soon as the socket exists.
  listener.start(endpoint);
  let closing: Promise<void> | undefined;
  const close = async (deadlineMs: number) => {
    listener.stop();
    await dispatcher.close(deadlineMs);
    listener.close();
  };
  return {
    endpoint: listener.endpoint,
    close(closeOptions = {}) {
      closing ??= close(closeOptions.deadlineMs ?? closeDeadlineMs);
      return closing;
    },
  };
};
