import { connectBy } from "../src/rpc/client.ts";
import { zmtpConnection } from "../src/rpc/transport/zmtp.ts";
import { ipcTransport } from "./ipc-transport.ts";
import { runSuite } from "./suite.ts";

/** Clients by ZMTP in TypeScript, as under Bun, and servers by zeromq. */
const connect = connectBy(zmtpConnection);

runSuite({ ...ipcTransport(), name: "zmtp", connect });
