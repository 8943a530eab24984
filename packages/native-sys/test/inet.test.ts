import { test } from "tap";
import { nativeSys, POLLIN, POLLOUT } from "../src/index.ts";

const native = nativeSys();
const [TCP, UDP] = [6, 17];

/** Resolves at the first event of these on the descriptor. */
function event(fd: number, events: number): Promise<void> {
  return new Promise((resolve) => {
    const watch = native.watchFd(fd, events, () => {
      watch.close();
      resolve();
    });
  });
}

function closeAll(...fds: number[]): void {
  for (const fd of fds) native.closeFd(fd);
}

test("bind, listen, connect, accept; a refused connection reports its error once", async (t) => {
  for (const address of ["127.0.0.1", "::1"]) {
    const listener = native.inetBind(TCP, address, 0);
    native.listen(listener, 8);
    const port = native.socketPort(listener);
    const client = native.inetConnect(TCP, address, port);
    await event(client, POLLOUT);
    t.equal(native.socketError(client), null);
    await event(listener, POLLIN);
    const server = native.accept(listener) as number;
    native.socketSend(client, Buffer.from("bytes"), 0);
    await event(server, POLLIN);
    t.equal(native.socketRecv(server, 64, 0)?.toString(), "bytes");
    closeAll(listener);
    const refused = native.inetConnect(TCP, address, port);
    await event(refused, POLLOUT);
    t.match(native.socketError(refused), { code: "ECONNREFUSED", syscall: "connect" });
    t.equal(native.socketError(refused), null);
    closeAll(client, server, refused);
  }
});

test("a failed bind names the address", (t) => {
  const taken = native.inetBind(TCP, "127.0.0.1", 0);
  native.listen(taken, 1);
  const port = native.socketPort(taken);
  t.throws(() => native.inetBind(TCP, "127.0.0.1", port), {
    code: "EADDRINUSE",
    syscall: "bind",
    path: `127.0.0.1:${port}`,
  });
  t.throws(() => native.inetBind(TCP, "192.0.2.1", 80), { code: "EADDRNOTAVAIL", path: "192.0.2.1:80" });
  closeAll(taken);
  t.throws(() => native.inetBind(TCP, "localhost", 80), /"localhost" must be an IPv4 or IPv6 address/);
  t.throws(() => native.inetBind(TCP, "::1", 70_000), /port must be a number from 0 to 65535/);
  t.throws(() => native.inetConnect(UDP, "", 1), TypeError);
  t.end();
});

test("two sockets may not share a UDP port, and an IPv6 socket leaves IPv4 alone", (t) => {
  const six = native.inetBind(UDP, "::", 0);
  const port = native.socketPort(six);
  const four = native.inetBind(UDP, "0.0.0.0", port);
  t.throws(() => native.inetBind(UDP, "0.0.0.0", port), { code: "EADDRINUSE" });
  closeAll(six, four);
  t.end();
});

test("a datagram is answered from the address it was sent to", async (t) => {
  for (const [any, addresses] of [
    ["0.0.0.0", ["127.1.2.3", "127.3.2.1"]],
    ["::", ["::1"]],
  ] as const) {
    const server = native.inetBind(UDP, any, 0);
    native.reportDestination(server);
    const port = native.socketPort(server);
    const buffer = Buffer.alloc(64);
    const flows = new Set<string>();
    for (const address of addresses) {
      const client = native.inetConnect(UDP, address, port); // connected: takes answers from that address alone
      native.socketSend(client, Buffer.from("ask"), 0);
      await event(server, POLLIN);
      const got = native.receiveDatagram(server, buffer);
      t.equal(got && buffer.toString("utf8", 0, got.length), "ask");
      flows.add(got?.flow ?? "");
      native.replyDatagram(server, Buffer.from("answer"), got?.flow ?? "");
      await event(client, POLLIN);
      t.equal(native.socketRecv(client, 64, 0)?.toString(), "answer");
      closeAll(client);
    }
    t.equal(flows.size, addresses.length);
    t.equal(native.receiveDatagram(server, buffer), null, "nothing more is there");
    t.throws(() => native.replyDatagram(server, buffer, "made up"), /flow must be one that receiveDatagram gave/);
    closeAll(server);
  }
});

test("the error of a refused datagram is thrown, once", async (t) => {
  const gone = native.inetBind(UDP, "127.0.0.1", 0);
  const port = native.socketPort(gone);
  closeAll(gone);
  const client = native.inetConnect(UDP, "127.0.0.1", port);
  native.socketSend(client, Buffer.from("x"), 0);
  await event(client, POLLIN);
  const buffer = Buffer.alloc(8);
  t.throws(() => native.receiveDatagram(client, buffer), { code: "ECONNREFUSED", syscall: "recvmsg" });
  t.equal(native.receiveDatagram(client, buffer), null);
  closeAll(client);
});
