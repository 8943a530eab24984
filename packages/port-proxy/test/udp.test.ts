import dgram from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { nativeSys } from "@gantry/native-sys";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { serveDatagrams } from "../src/udp.ts";
import { descriptorCount, freePort, loopback, proxyArgs, readyProxy, startProxy } from "./support.ts";

interface Peer extends AsyncDisposable {
  readonly socket: dgram.Socket;
  readonly ip: string;
  readonly port: number;
  /** Datagrams received: text and from where. */
  readonly got: { text: string; from: string }[];
}

async function peer(ip: string, answer?: (text: string) => string, port = 0): Promise<Peer> {
  const socket = dgram.createSocket(ip.includes(":") ? "udp6" : "udp4");
  const got: Peer["got"] = [];
  socket.on("error", () => {});
  socket.on("message", (data, from) => {
    got.push({ text: data.toString(), from: `${from.address} ${from.port}` });
    if (answer) socket.send(answer(data.toString()), from.port, from.address);
  });
  socket.bind(port, ip);
  await once(socket, "listening");
  const bound = socket.address() as AddressInfo;
  return {
    socket,
    ip,
    port: bound.port,
    got,
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, "close");
    },
  };
}

test("two clients: each gets its own answers, from the address it wrote to", async (t) => {
  await using server = await peer(loopback(), (text) => `re: ${text}`);
  const port = await freePort("127.0.0.1");
  await using proxy = await readyProxy("udp", { host: { ip: "0.0.0.0", port }, target: server });
  await using one = await peer(loopback());
  await using two = await peer(loopback());
  const [hostOne, hostTwo] = [loopback(), loopback()];
  one.socket.send("a", port, hostOne);
  two.socket.send("b", port, hostTwo);
  await waitFor(() => one.got.length === 1 && two.got.length === 1);
  one.socket.send("c", port, hostOne);
  await waitFor(() => one.got.length === 2);
  t.same(one.got, [
    { text: "re: a", from: `${hostOne} ${port}` },
    { text: "re: c", from: `${hostOne} ${port}` },
  ]);
  t.same(two.got, [{ text: "re: b", from: `${hostTwo} ${port}` }]);
  const sources = server.got.map(({ from }) => from);
  t.equal(sources[0] === sources[1], false, "a session of its own per client");
  t.equal(new Set(sources).size, 2, "and one session per client");
  t.equal(proxy.stderr(), "");
});

test("one client, two addresses of the host: each answers for itself", async (t) => {
  await using server = await peer(loopback(), (text) => text);
  const port = await freePort("127.0.0.1");
  await using _ = await readyProxy("udp", { host: { ip: "0.0.0.0", port }, target: server });
  await using client = await peer(loopback());
  const hosts = [loopback(), loopback()];
  for (const host of hosts) client.socket.send(host, port, host);
  await waitFor(() => client.got.length === 2);
  for (const { text, from } of client.got) t.equal(from, `${text} ${port}`);
});

test("a container that refuses at first is reached once it listens", async (t) => {
  const ip = loopback();
  const port = await freePort(ip);
  const host = { ip: loopback(), port: 5353 };
  await using proxy = await readyProxy("udp", { host, target: { ip, port } });
  await using client = await peer(loopback());
  for (let count = 0; count < 5; count++) client.socket.send("lost", host.port, host.ip);
  await waitFor(async () => (await descriptorCount(proxy.pid)) > 0);
  await using server = await peer(ip, (text) => `re: ${text}`, port);
  await waitFor(() => {
    client.socket.send("found", host.port, host.ip);
    return client.got.some(({ text }) => text === "re: found");
  });
  t.ok(server.got.length > 0);
  t.equal(proxy.child.exitCode, null);
});

test("empty and largest datagrams pass whole", async (t) => {
  await using server = await peer(loopback(), (text) => text);
  const host = { ip: loopback(), port: 5353 };
  await using _ = await readyProxy("udp", { host, target: server });
  await using client = await peer(loopback());
  for (const size of [0, 1, 65_507]) {
    const before = client.got.length;
    client.socket.send("x".repeat(size), host.port, host.ip);
    await waitFor(() => client.got.length === before + 1);
    t.equal(client.got[before]?.text.length, size);
  }
});

test("IPv6", async (t) => {
  await using server = await peer("::1", (text) => `re: ${text}`);
  const port = await freePort("::1");
  await using _ = await readyProxy("udp", { host: { ip: "::", port }, target: server });
  await using client = await peer("::1");
  client.socket.send("six", port, "::1");
  await waitFor(() => client.got.length === 1);
  t.same(client.got, [{ text: "re: six", from: `::1 ${port}` }]);
});

test("an idle session ends; a used one does not; a new datagram begins another", async (t) => {
  await using server = await peer(loopback(), (text) => `re: ${text}`);
  const native = nativeSys();
  const ip = loopback();
  const listener = native.inetBind(17, ip, 0);
  native.reportDestination(listener);
  const port = native.socketPort(listener);
  const proxy = serveDatagrams(native, listener, server, 120);
  await using idle = await peer(loopback());
  await using busy = await peer(loopback());
  idle.socket.send("idle", port, ip);
  busy.socket.send("busy", port, ip);
  await waitFor(() => proxy.sessionCount === 2);
  await waitFor(() => {
    busy.socket.send("busy", port, ip);
    return proxy.sessionCount === 1;
  });
  t.equal(new Set(server.got.filter(({ text }) => text === "busy").map(({ from }) => from)).size, 1);
  idle.socket.send("again", port, ip);
  await waitFor(() => idle.got.length === 2);
  t.equal(proxy.sessionCount, 2);
  await waitFor(() => proxy.sessionCount === 0);
  proxy.close();
});

test("-use-listen-fd serves the datagram socket that is descriptor 4", async (t) => {
  await using server = await peer(loopback(), (text) => `re: ${text}`);
  const native = nativeSys();
  const fd = native.inetBind(17, "0.0.0.0", 0);
  const port = native.socketPort(fd);
  const args = [...proxyArgs("udp", { host: { ip: "0.0.0.0", port }, target: server }), "-use-listen-fd"];
  await using proxy = startProxy(args, [fd]);
  native.closeFd(fd);
  t.equal(await proxy.report, "0\n");
  await using client = await peer(loopback());
  const host = loopback();
  client.socket.send("x", port, host);
  await waitFor(() => client.got.length === 1);
  t.same(client.got, [{ text: "re: x", from: `${host} ${port}` }]);
});
