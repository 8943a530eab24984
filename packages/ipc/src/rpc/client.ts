import type { Contract, Methods } from "../contracts/define.ts";
import { RpcError } from "../contracts/errors.ts";
import { Caller } from "./calls/caller.ts";
import type { ConnectionMaker } from "./transport/connection.ts";
import { DealerLink } from "./transport/dealer-link.ts";
import { parseEndpoint } from "./transport/endpoint.ts";
import { newConnection } from "./transport/select.ts";
import type { Connect, ConnectOptions } from "./types.ts";

/**
 * Connects to a server of a contract over ZeroMQ. Returns at once; the first call waits for the connection.
 * An open client keeps the process alive until it is closed.
 * @throws RpcError InvalidArgument for a malformed endpoint, or tcp without keys
 */
export const connect: Connect = connectBy(newConnection);

/** The same with connections of another transport. */
export function connectBy(makeConnection: ConnectionMaker): Connect {
  return (contract, options) => connectTo(contract, options, makeConnection);
}

function connectTo<M extends Methods>(
  contract: Contract<M>,
  options: ConnectOptions,
  makeConnection: ConnectionMaker,
): Caller<M> {
  const endpoint = parseEndpoint(options.endpoint);
  if (endpoint.kind === "tcp" && options.curve === undefined) {
    throw new RpcError("InvalidArgument", `${options.endpoint}: tcp needs CURVE keys`);
  }
  const link = new DealerLink(options, makeConnection, {
    receive: (frames) => caller.receive(frames),
    fail: (error) => caller.fail(error),
  });
  const caller = new Caller(contract, options.endpoint, link);
  return caller;
}
