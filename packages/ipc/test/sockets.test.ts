import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { Router } from "zeromq";
import { connect, serve } from "../src/index.ts";
import { privateDirectory } from "./private-directory.ts";
import { failure } from "./suite.ts";
import { newProbe, suiteContract, suiteHandlers } from "./suite-contract.ts";

const directory = privateDirectory();
const start = (endpoint: string, socketMode?: number) =>
  serve(suiteContract, suiteHandlers(newProbe()), { endpoint, ...(socketMode !== undefined && { socketMode }) });

test("the socket file has the mode that was asked for, and goes with its server", async (t) => {
  const path = `${directory}/mode.sock`;
  const server = await start(`ipc://${path}`);
  t.equal(statSync(path).mode & 0o777, 0o660);
  await server.close();
  t.notOk(statSync(path, { throwIfNoEntry: false }));
  const other = await start(`ipc://${path}`, 0o600);
  t.equal(statSync(path).mode & 0o777, 0o600);
  await other.close();
});

test("a call that waits for the socket is answered, though it comes while the server still starts", async (t) => {
  const endpoint = `ipc://${directory}/early.sock`;
  const client = spawn(process.execPath, [join(import.meta.dirname, "fixtures/early-caller.ts"), endpoint]);
  const answer = once(client.stdout, "data").then(String);
  const ended = once(client, "exit");
  const server = await serve(suiteContract, suiteHandlers(newProbe()), {
    endpoint,
    onError: (error) => t.fail(error.message),
    // Asked for once the socket is bound: by the time this returns the call has come.
    get socketMode() {
      execFileSync("sleep", ["2"]);
      return 0o600;
    },
  });
  t.equal(await answer, "answered 1");
  await ended;
  await server.close();
});

test("a directory that is open to others holds no socket", async (t) => {
  const open = `${directory}/open`;
  mkdirSync(open);
  for (const mode of [0o755, 0o701, 0o770]) {
    chmodSync(open, mode);
    const error = await failure(start(`ipc://${open}/s.sock`));
    t.match(error, { code: "FailedPrecondition", message: `${open} must have mode 0700 or 0750` });
  }
  chmodSync(open, 0o750);
  const server = await start(`ipc://${open}/s.sock`);
  await server.close();
  t.match(await failure(start(`ipc://${directory}/none/s.sock`)), { message: /must be an existing directory/ });
});

test("an object at the socket's path", async (t) => {
  writeFileSync(`${directory}/file`, "kept");
  t.match(await failure(start(`ipc://${directory}/file`)), { code: "FailedPrecondition", message: /is not a socket/ });
  symlinkSync(`${directory}/file`, `${directory}/link`);
  t.match(await failure(start(`ipc://${directory}/link`)), { code: "FailedPrecondition" });
  const server = await start(`ipc://${directory}/live.sock`);
  t.match(await failure(start(server.endpoint)), { code: "AlreadyExists", message: /another server listens/ });
  const client = connect(suiteContract, { endpoint: server.endpoint });
  t.equal(await client.call("echo", 1), 1, "and the first one goes on");
  client.close();
  await server.close();
});

test("endpoints that cannot be", async (t) => {
  const long = `ipc://${directory}/${"x".repeat(108 - directory.length - 1)}`;
  const fits = long.slice(0, -1);
  const refused = async (endpoint: string) => {
    t.throws(() => connect(suiteContract, { endpoint }), { code: "InvalidArgument" }, endpoint);
    return failure(start(endpoint));
  };
  t.match(await refused(long), { code: "InvalidArgument", message: /may have 107 bytes, this one has 108/ });
  t.match(await refused("ipc://relative"), { code: "InvalidArgument" });
  t.match(await refused("ipc://@abstract"), { code: "InvalidArgument" });
  t.match(await refused("inproc://x"), { code: "InvalidArgument" });
  t.match(await refused("tcp://127.0.0.1:1"), { code: "InvalidArgument", message: /needs CURVE keys/ });
  const server = await start(fits);
  const client = connect(suiteContract, { endpoint: fits });
  t.equal(await client.call("echo", 1), 1);
  client.close();
  await server.close();
});

test("a peer that is not a server of ours", async (t) => {
  const path = `ipc://${directory}/strange.sock`;
  const strange = new Router({ linger: 0 });
  await strange.bind(path);
  t.teardown(() => strange.close());
  const client = connect(suiteContract, { endpoint: path });
  t.teardown(() => client.close());
  const call = failure(client.call("echo", 1, { timeoutMs: 200 }));
  const [route] = await strange.receive();
  for (const frames of [["noise"], ["", ""], [Buffer.from([0x93, 1, 2, 9])], [Buffer.from([0x93, 1, 3, 1]), "noise"]]) {
    await strange.send([route as Buffer, ...frames]);
  }
  t.match(await call, { code: "Internal", message: /cannot be read/ });
});
