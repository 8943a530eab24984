import { connect, serve } from "../src/index.ts";
import { privateDirectory } from "./private-directory.ts";
import type { Transport } from "./suite.ts";

/** zeromq over Unix sockets, in a directory of its own. */
export function ipcTransport(): Transport {
  const directory = privateDirectory();
  let last = 0;
  return {
    name: "ipc",
    serve,
    connect,
    endpoint() {
      last += 1;
      return `ipc://${directory}/${last}.sock`;
    },
  };
}
