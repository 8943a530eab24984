import { ipcTransport } from "./ipc-transport.ts";
import { runSuite } from "./suite.ts";

runSuite(ipcTransport());
