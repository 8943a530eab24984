import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { nodeProgram } from "@gantry/testkit";
import { type Test, test } from "tap";
import { type Client, connect } from "../src/index.ts";
import { privateDirectory } from "./private-directory.ts";
import { failure } from "./suite.ts";
import { type SuiteMethods, suiteContract } from "./suite-contract.ts";

/** Clients by the transport of the JS runtime that runs this file, and a server that is another process on Node.js. */

const directory = privateDirectory();
let last = 0;

interface ServerProcess {
  readonly client: Client<SuiteMethods>;
  /** Resolves when the client has noticed that its server is gone. */
  readonly lost: Promise<void>;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
  /** Starts the server again, at the same endpoint. */
  restart(): Promise<void>;
}

async function serverProcess(t: Test): Promise<ServerProcess> {
  const endpoint = `ipc://${directory}/${++last}.sock`;
  const begin = async () => {
    const child = spawn(nodeProgram, [join(import.meta.dirname, "fixtures/suite-server.ts"), endpoint], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.teardown(() => child.kill("SIGKILL"));
    await once(child.stdout, "data");
    return child;
  };
  let child = await begin();
  const lost = Promise.withResolvers<void>();
  const client = connect(suiteContract, { endpoint, onDisconnect: lost.resolve });
  t.teardown(() => client.close());
  return {
    client,
    lost: lost.promise,
    kill: (signal) => void child.kill(signal),
    restart: async () => {
      child = await begin();
    },
  };
}

test("values and blobs of every size arrive as they were sent", async (t) => {
  const { client } = await serverProcess(t);
  const value = { text: "größe", list: [1, -1, 1.5, 2 ** 40], none: null, bytes: new Uint8Array([0, 255, 1]) };
  t.same(await client.call("echo", value), value);
  const blobs = [0, 1, 255, 256, 4097, 3 << 20].map((length) => Buffer.alloc(length, 7));
  t.same(await client.call("blobSizes", {}, { blobs }), { sizes: blobs.map(({ length }) => length) });
});

test("a stream larger than its credit comes back whole and in order", async (t) => {
  const { client } = await serverProcess(t);
  const stream = client.open("cat", { text: "all" });
  const sent = Array.from({ length: 300 }, (_, n) => ({ n, blob: Buffer.alloc(20_000, n) }));
  const sending = (async () => {
    for (const { n, blob } of sent) await stream.send({ n }, blob);
    stream.end();
  })();
  let next = 0;
  for await (const { value, blobs } of stream.items) {
    t.equal(value.n, next, "in order");
    t.ok(sent[next]?.blob.equals(blobs[0] ?? Buffer.alloc(0)), "with its blob");
    next++;
  }
  await sending;
  t.equal(next, sent.length);
  t.same(await stream.result, { text: "all" });
});

test("errors, cancellation and deadlines cross", async (t) => {
  const { client } = await serverProcess(t);
  t.match(await failure(client.call("fail", { how: "rpc" })), { code: "NotFound", data: { id: "x" } });
  t.equal((await failure(client.call("hang", { text: "late" }, { timeoutMs: 50 }))).code, "DeadlineExceeded");
  const stream = client.open("fill", { size: 1000 });
  await stream.items[Symbol.asyncIterator]().next();
  stream.cancel();
  t.equal((await failure(stream.result)).code, "Cancelled");
  t.equal(await client.call("echo", "still there"), "still there");
});

test("a server that is killed fails pending calls, and its successor is found", async (t) => {
  const server = await serverProcess(t);
  const { client } = server;
  t.equal(await client.call("echo", 1), 1);
  const pending = failure(client.call("hang", { text: "a" }, { timeoutMs: 0 }));
  server.kill("SIGKILL");
  t.equal((await pending).code, "Unavailable");
  await server.lost;
  await server.restart();
  t.equal(await client.call("echo", "again"), "again");
});
