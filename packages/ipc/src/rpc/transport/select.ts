import { jsRuntime } from "@gantry/common/js-runtime";
import type { ConnectionMaker } from "./connection.ts";

/**
 * Opens a connection by the transport that this JS runtime can load: zeromq under Node.js; under Bun, which cannot load
 * zeromq's addon, our own ZMTP over Unix sockets.
 * @throws RpcError Unimplemented for tcp under Bun
 */
export const newConnection: ConnectionMaker = async (options, events) => {
  if (jsRuntime.name === "Node.js") {
    const { zeromqConnection } = await import("./zeromq.ts");
    return zeromqConnection(options, events);
  }
  const { zmtpConnection } = await import("./zmtp.ts");
  return zmtpConnection(options, events);
};
