import { readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import {
  AF_UNIX,
  Fd,
  type FdWatch,
  isSystemError,
  POLLIN,
  POLLOUT,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
} from "../src/index.ts";
import { native, temporaryDirectory, thrownBy } from "./support.ts";

function socketPair(type: number): [Fd, Fd] {
  const [a, b] = native.socketPair(AF_UNIX, type, 0);
  return [new Fd(a), new Fd(b)];
}

test("descriptors travel with bytes over a named socket", async (t) => {
  const path = join(temporaryDirectory(t), "socket");
  using listener = new Fd(native.unixListen(path, SOCK_SEQPACKET, 8));
  t.equal(native.accept(listener.number), null, "no connection waits");
  using client = new Fd(native.unixConnect(path, SOCK_SEQPACKET));
  using server = new Fd(native.accept(listener.number) ?? -1);
  t.equal(native.recvFds(server.number, 64, 4), null, "nothing was sent");
  using file = new Fd(native.memfdCreate("gift", 0));
  writeSync(file.number, "inside", 0);
  native.sendFds(client.number, Buffer.from("two"), [file.number, file.number]);
  const message = native.recvFds(server.number, 64, 4);
  t.equal(message?.data.toString(), "two");
  t.equal(message?.fds.length, 2);
  for (const number of message?.fds ?? []) {
    using fd = new Fd(number);
    t.equal(readFileSync(`/proc/self/fd/${fd.number}`, "utf8"), "inside");
    t.match(readFileSync(`/proc/self/fdinfo/${fd.number}`, "utf8"), /flags:\s+0?2[0-9]{6}/, "close-on-exec");
  }
  client.close();
  t.match(native.recvFds(server.number, 64, 4), { data: Buffer.alloc(0), fds: [] }, "the end");
});

test("addresses that cannot be are refused", async (t) => {
  t.match(
    thrownBy(() => native.unixConnect(`/tmp/${"x".repeat(120)}`, SOCK_STREAM)),
    { code: "ENAMETOOLONG" },
  );
  const missing = join(temporaryDirectory(t), "none");
  t.match(
    thrownBy(() => native.unixConnect(missing, SOCK_STREAM)),
    { code: "ENOENT", syscall: "connect", path: missing },
  );
});

test("datagrams arrive whole, one each", async (t) => {
  const [a, b] = socketPair(SOCK_DGRAM);
  using _a = a;
  using _b = b;
  native.setNonBlocking(b.number, true);
  t.equal(native.socketSend(a.number, Buffer.from("first"), 0), 5);
  native.socketSend(a.number, Buffer.from("second"), 0);
  t.equal(native.socketRecv(b.number, 100, 0)?.toString(), "first");
  t.equal(native.socketRecv(b.number, 3, 0)?.toString(), "sec");
  t.equal(native.socketRecv(b.number, 100, 0), null);
});

/** Watches until the next call back. */
function nextEvents(fd: number, events: number): Promise<number> {
  return new Promise((resolve) => {
    const watch = native.watchFd(fd, events, (seen) => {
      watch.close();
      resolve(seen);
    });
  });
}

test("a watch reports the watched events, again while they last, and hang-up", async (t) => {
  const [read, write] = native.pipe(0).map((fd) => new Fd(fd)) as [Fd, Fd];
  using _read = read;
  t.equal(await nextEvents(write.number, POLLIN | POLLOUT), POLLOUT);
  const seen: number[] = [];
  await new Promise<void>((resolve) => {
    const watch: FdWatch = native.watchFd(read.number, POLLIN, (events) => {
      seen.push(events);
      if (seen.length === 2) {
        watch.setEvents(0);
        setImmediate(() => {
          watch.close();
          watch.close();
          resolve();
        });
      }
    });
    t.ok(
      isSystemError(
        thrownBy(() => native.watchFd(read.number, POLLIN, () => {})),
        "EEXIST",
      ),
      "one watch at a time",
    );
    writeSync(write.number, "x");
  });
  t.same(seen, [POLLIN, POLLIN]);
  write.close();
  t.equal(await nextEvents(read.number, POLLIN), POLLIN);
});

test("descriptors that cannot be polled are refused", async (t) => {
  using file = new Fd(native.memfdCreate("file", 0));
  t.ok(
    isSystemError(
      thrownBy(() => native.watchFd(file.number, POLLIN, () => {})),
      "EPERM",
    ),
  );
});

test("an unref'd watch does not keep the process", async (t) => {
  const script = `
    import { nativeSys, POLLIN } from ${JSON.stringify(join(import.meta.dirname, "../src/index.ts"))};
    const [read] = nativeSys().pipe(0);
    nativeSys().watchFd(read, POLLIN, () => {}).unref();
    process.on("exit", () => process.stdout.write("ended"));`;
  const { execFileSync } = await import("node:child_process");
  const text = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 5000,
  });
  t.equal(text, "ended");
});

test("an exception of a callback is an uncaught exception", async (t) => {
  const script = `
    import { nativeSys, POLLOUT } from ${JSON.stringify(join(import.meta.dirname, "../src/index.ts"))};
    process.on("uncaughtException", (error) => { console.log("caught", error.message); process.exit(0); });
    nativeSys().watchFd(nativeSys().pipe(0)[1], POLLOUT, () => { throw new Error("mine"); });`;
  const { execFileSync } = await import("node:child_process");
  const text = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 5000,
  });
  t.equal(text, "caught mine\n");
});

test("a name that begins with @ is abstract, and as long as it is written", async (t) => {
  const name = `gantry-sockets-${process.pid}`;
  using receiver = new Fd(native.unixListen(`@${name}`, SOCK_DGRAM, 0));
  t.match(readFileSync("/proc/net/unix", "latin1"), new RegExp(`@${name}$`, "m"), "no byte follows the name");
  using sender = new Fd(native.unixConnect(`@${name}`, SOCK_DGRAM));
  native.socketSend(sender.number, Buffer.from("word"), 0);
  t.equal(native.socketRecv(receiver.number, 64, 0)?.toString(), "word");
  t.throws(() => native.unixConnect(`@${name}-not`, SOCK_DGRAM), { code: "ECONNREFUSED" });
});
