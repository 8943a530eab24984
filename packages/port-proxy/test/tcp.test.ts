import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { connect, descriptorCount, freePort, loopback, readAll, readyProxy, serve, settled } from "./support.ts";

test("bytes pass both ways", async (t) => {
  await using server = await serve(loopback(), (socket) => socket.pipe(socket));
  const host = { ip: loopback(), port: 8080 };
  await using proxy = await readyProxy("tcp", { host, target: server });
  const client = connect(host.ip, host.port);
  for (const line of ["one", "two"]) {
    client.write(line);
    const [data] = (await once(client, "data")) as [Buffer];
    t.equal(data.toString(), line);
  }
  client.end();
  await once(client, "close");
  t.equal(proxy.stderr(), "");
});

test("each side may end its own direction and go on reading", async (t) => {
  await using server = await serve(loopback(), async (socket) => {
    const request = await readAll(socket);
    socket.end(`after the end: ${request.length}`);
  });
  const host = { ip: loopback(), port: 8080 };
  await using _ = await readyProxy("tcp", { host, target: server });
  const client = connect(host.ip, host.port);
  client.end("request");
  t.equal(await readAll(client), "after the end: 7");

  await using early = await serve(loopback(), (socket) => socket.end("greeting"));
  const second = { ip: loopback(), port: 8080 };
  await using __ = await readyProxy("tcp", { host: second, target: early });
  const late = connect(second.ip, second.port);
  t.equal(await readAll(late), "greeting");
  const got = readAll(early.sockets[0] as never);
  late.end("still heard");
  t.equal(await got, "still heard");
});

test("a large transfer arrives whole, both ways at once", async (t) => {
  const chunk = randomBytes(1 << 20);
  const total = 96;
  await using server = await serve(loopback(), (socket) => socket.pipe(socket));
  const host = { ip: loopback(), port: 8080 };
  await using proxy = await readyProxy("tcp", { host, target: server });
  const before = await descriptorCount(proxy.pid);
  const client = connect(host.ip, host.port);
  const sent = createHash("sha256");
  const received = createHash("sha256");
  client.on("data", (data) => received.update(data));
  for (let count = 0; count < total; count++) {
    sent.update(chunk);
    if (!client.write(chunk)) await once(client, "drain");
  }
  client.end();
  await once(client, "close");
  t.equal(received.digest("hex"), sent.digest("hex"));
  await settled(proxy.pid, before);
});

test("the client of a refusing container is closed, and the proxy continues", async (t) => {
  const target = { ip: loopback(), port: 0 };
  target.port = await freePort(target.ip);
  const host = { ip: loopback(), port: 8080 };
  await using proxy = await readyProxy("tcp", { host, target });
  const before = await descriptorCount(proxy.pid);
  for (let round = 0; round < 3; round++) {
    const client = connect(host.ip, host.port);
    t.equal(await readAll(client), "");
    client.destroy();
  }
  t.match(proxy.stderr(), "refused");
  await settled(proxy.pid, before);
});

test("a reset by either side ends the other", async (t) => {
  await using server = await serve(loopback(), (socket) => socket.on("data", () => socket.resetAndDestroy()));
  const host = { ip: loopback(), port: 8080 };
  await using proxy = await readyProxy("tcp", { host, target: server });
  const before = await descriptorCount(proxy.pid);
  const client = connect(host.ip, host.port);
  client.write("x");
  t.equal(await readAll(client), "");
  client.destroy();
  await using quiet = await serve(loopback(), () => {});
  const second = { ip: loopback(), port: 8080 };
  await using other = await readyProxy("tcp", { host: second, target: quiet });
  const leaving = connect(second.ip, second.port);
  await waitFor(() => quiet.sockets[0]);
  leaving.resetAndDestroy();
  t.equal(await readAll(quiet.sockets[0] as never), "");
  quiet.sockets[0]?.destroy();
  await settled(proxy.pid, before);
  await settled(other.pid, before);
});

test("many connections at once, and none left over", async (t) => {
  await using server = await serve(loopback(), (socket) => socket.pipe(socket));
  const host = { ip: loopback(), port: 8080 };
  await using proxy = await readyProxy("tcp", { host, target: server });
  const before = await descriptorCount(proxy.pid);
  const clients = Array.from({ length: 300 }, () => connect(host.ip, host.port));
  const answers = clients.map((client) => readAll(client));
  await waitFor(() => server.sockets.length === 300);
  clients.forEach((client, number) => void client.end(`client ${number}`));
  const texts = await Promise.all(answers);
  t.same(
    texts,
    clients.map((_, number) => `client ${number}`),
  );
  await settled(proxy.pid, before);
});

test("an IPv6 host address serves an IPv4 container, and takes only IPv6", async (t) => {
  await using server = await serve(loopback(), (socket) => socket.pipe(socket));
  const port = await freePort("::1");
  await using proxy = await readyProxy("tcp", { host: { ip: "::", port }, target: server });
  const client = connect("::1", port);
  client.end("six");
  t.equal(await readAll(client), "six");
  const four = connect("127.0.0.1", port);
  const [error] = (await once(four, "error")) as [NodeJS.ErrnoException];
  t.equal(error.code, "ECONNREFUSED", "IPv4 is left to a proxy of its own");
  t.equal(proxy.stderr(), "");
});

test("an IPv6 container", async (t) => {
  await using server = await serve("::1", (socket) => socket.pipe(socket));
  const host = { ip: loopback(), port: 8080 };
  await using _ = await readyProxy("tcp", { host, target: server });
  const client = connect(host.ip, host.port);
  client.end("to six");
  t.equal(await readAll(client), "to six");
});
