import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { test } from "tap";
import { IPPROTO_TCP, POLLIN } from "../src/index.ts";
import { native } from "./support.ts";

interface Outcome {
  readonly error: Error | null;
  readonly there: number;
  readonly back: number;
}

interface Relay {
  readonly client: Socket;
  readonly server: Socket;
  readonly outcome: Promise<Outcome>;
  close(): void;
}

/** A client and a server that only meet through a splice in between. */
async function relay(t: { teardown(undo: () => void): void }): Promise<Relay> {
  const backend: Server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(backend, "listening");
  const listener = native.inetBind(IPPROTO_TCP, "127.0.0.1", 0);
  native.listen(listener, 8);
  const client = createConnection({ port: native.socketPort(listener), host: "127.0.0.1", allowHalfOpen: true });
  const accepted = await acceptOne(listener);
  const onward = native.inetConnect(IPPROTO_TCP, "127.0.0.1", (backend.address() as AddressInfo).port);
  const [[server]] = await Promise.all([once(backend, "connection") as Promise<[Socket]>, once(client, "ready")]);
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const handle = native.spliceSockets(accepted, onward, (error, there, back) => resolve({ error, there, back }));
  t.teardown(() => {
    handle.close();
    for (const socket of [client, server]) socket.on("error", () => {}).destroy();
    backend.close();
  });
  return { client, server, outcome: promise, close: () => handle.close() };
}

function acceptOne(listener: number): Promise<number> {
  return new Promise((resolve) => {
    const watch = native.watchFd(listener, POLLIN, () => {
      const fd = native.accept(listener);
      if (fd === null) return;
      watch.close();
      native.closeFd(listener);
      resolve(fd);
    });
  });
}

/** The hash of all that comes until the end of file. (An async iterator would destroy the socket there.) */
function digest(socket: Socket): Promise<string> {
  const hash = createHash("sha256");
  socket.on("data", (chunk) => hash.update(chunk));
  return once(socket, "end").then(() => hash.digest("hex"));
}

test("bytes pass both ways unchanged, and one side's end leaves the other open", async (t) => {
  const { client, server, outcome } = await relay(t);
  const request = randomBytes(3_000_001);
  const reply = randomBytes(9_000_007);
  const before = readdirSync("/proc/self/fd").length;
  client.end(request);
  // The server reads to the end before it answers: without half-close it would wait for ever.
  const received = await digest(server);
  server.end(reply);
  t.equal(await digest(client), createHash("sha256").update(reply).digest("hex"));
  t.equal(received, createHash("sha256").update(request).digest("hex"));
  t.same(await outcome, { error: null, there: request.length, back: reply.length });
  t.ok(readdirSync("/proc/self/fd").length <= before - 6, "both sockets and both pipes are closed");
});

test("a reader that does not read stops its writer, costs no time, and loses nothing", async (t) => {
  const { client, server, outcome } = await relay(t);
  server.pause();
  const chunk = Buffer.alloc(1 << 20, "x");
  let written = 0;
  // The kernel takes what its buffers hold; after that only a reader gets it going again.
  while (client.write(chunk) || (await drained(client))) written += chunk.length;
  const busy = process.cpuUsage();
  await setTimeout(100);
  const spent = process.cpuUsage(busy);
  t.ok(spent.system + spent.user < 50_000, `a stopped relay used ${spent.system} µs in the kernel in 100 ms`);
  client.end();
  let read = 0;
  server.on("data", (part) => {
    read += part.length;
  });
  await once(server.resume(), "end");
  server.end();
  t.equal(read, written + chunk.length);
  t.match(await outcome, { error: null, there: read });
});

/** False when the socket is still full after a moment: the writer is stopped. */
function drained(socket: Socket): Promise<boolean> {
  return Promise.race([once(socket, "drain").then(() => true), setTimeout(50, false)]);
}

test("a reset on one side ends the other, and is reported", async (t) => {
  const { client, server, outcome } = await relay(t);
  client.on("error", () => {});
  server.resetAndDestroy();
  t.match((await outcome).error, { code: "ECONNRESET" });
  client.resume();
  await once(client, "end");
});

test("closing stops the copy and still reports the end, once", async (t) => {
  const { client, outcome, close } = await relay(t);
  close();
  close();
  t.same(await outcome, { error: null, there: 0, back: 0 });
  client.resume();
  await once(client, "end");
});
