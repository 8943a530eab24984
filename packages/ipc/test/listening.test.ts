import { spawn } from "node:child_process";
import { once } from "node:events";
import { renameSync } from "node:fs";
import { test } from "tap";
import { isListening } from "../src/index.ts";
import { privateDirectory } from "./private-directory.ts";

const directory = privateDirectory();
/** Listens, with room for one connection that is not accepted, and says so. */
const program = (path: string) =>
  `require("node:net").createServer().listen({ path: ${JSON.stringify(path)}, backlog: 1 }, () => console.log("ready"))`;

test("a server that is stopped, full or behind a closed gate listens; a dead one does not", async (t) => {
  const path = `${directory}/busy.sock`;
  const endpoint = `ipc://${path}`;
  t.equal(await isListening(endpoint), false, "no file");
  const server = spawn(process.execPath, ["-e", program(path)]);
  try {
    await once(server.stdout, "data");
    t.equal(await isListening(endpoint), true);
    server.kill("SIGSTOP");
    for (let at = 0; at < 5; at++) t.equal(await isListening(endpoint), true, "stopped, and its backlog fills");
    renameSync(path, `${path}.full`);
    t.equal(await isListening(endpoint), true, "short of descriptors");
  } finally {
    server.kill("SIGKILL");
  }
  await once(server, "exit");
  t.equal(await isListening(endpoint), false, "dead, though the file is there");
  await t.rejects(isListening("tcp://127.0.0.1:1"), { code: "InvalidArgument" });
});
