import { connectBy } from "../src/rpc/client.ts";
import { ZmtpConnection } from "../src/rpc/zmtp.ts";
import { ipcTransport } from "./ipc-transport.ts";
import { runSuite } from "./suite.ts";

/** Callers without zeromq, as they are under Bun, and servers with it. */
const connect = connectBy(async (_options, events) => new ZmtpConnection(events));

runSuite({ ...ipcTransport(), name: "zmtp", connect });
