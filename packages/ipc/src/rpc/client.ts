import type { Contract, Methods } from "../contracts/define.ts";
import { RpcError } from "../contracts/errors.ts";
import { Caller } from "./caller.ts";
import { DealerLink } from "./dealer.ts";
import { parseEndpoint } from "./endpoint.ts";
import type { Connect } from "./types.ts";

/**
 * Connects to a server of a contract over ZeroMQ. Returns at once; the first call waits for the connection.
 * An open client keeps the process alive until it is closed.
 * @throws RpcError InvalidArgument for an endpoint that cannot be, or tcp without keys
 */
export const connect: Connect = <M extends Methods>(contract: Contract<M>, options: Parameters<Connect>[1]) => {
  const endpoint = parseEndpoint(options.endpoint);
  if (endpoint.kind === "tcp" && options.curve === undefined) {
    throw new RpcError("InvalidArgument", `${options.endpoint}: tcp needs CURVE keys`);
  }
  const link = new DealerLink(options, {
    receive: (frames) => caller.receive(frames),
    fail: (error) => caller.fail(error),
  });
  const caller = new Caller(contract, options.endpoint, link);
  return caller;
};
