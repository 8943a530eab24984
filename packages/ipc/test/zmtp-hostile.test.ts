import { once } from "node:events";
import { connect as connectSocket, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { nodeProgram, start, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { connectBy } from "../src/rpc/client.ts";
import { zmtpConnection } from "../src/rpc/transport/zmtp.ts";
import { encodeCommand, encodeMessage, FrameReader, ZmtpError } from "../src/rpc/transport/zmtp-frames.ts";
import type { Frames } from "../src/rpc/wire/envelope.ts";
import { privateDirectory } from "./private-directory.ts";
import { failure } from "./suite.ts";
import { suiteContract } from "./suite-contract.ts";
import { until } from "./until.ts";

const directory = privateDirectory();
const connect = connectBy(zmtpConnection);
let count = 0;

/** A server that is only what `greet` makes of each connection. */
async function server(greet: (socket: Socket) => void): Promise<AsyncDisposable & { readonly endpoint: string }> {
  const path = `${directory}/${++count}.sock`;
  const sockets = new Set<Socket>();
  const listening: Server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    greet(socket);
  }).listen(path);
  await once(listening, "listening");
  return {
    endpoint: `ipc://${path}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      listening.close();
    },
  };
}

/** A greeting of ZMTP 3.1 (rfc.zeromq.org/spec/37). */
function greeting({ mechanism = "NULL", major = 3 } = {}): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, major, 1]);
  bytes.write(mechanism, 12);
  return bytes;
}

const ready = Buffer.concat([greeting(), encodeCommand("READY", new Uint8Array())]);

test("a peer that does not speak ZMTP fails the call, and the client keeps trying", async (t) => {
  const answers: Record<string, Buffer> = {
    "another protocol": Buffer.from(`HTTP/1.1 400 Bad Request\r\n\r\n${" ".repeat(64)}`),
    "ZMTP 2": greeting({ major: 2 }),
    keys: greeting({ mechanism: "CURVE" }),
    refusal: Buffer.concat([greeting(), encodeCommand("ERROR", Buffer.from("\x03no!"))]),
    "a message before the handshake": Buffer.concat([greeting(), ...encodeMessage([Buffer.from("x")])]),
    "an endless frame": Buffer.concat([greeting(), Buffer.from([2, 127, 0, 0, 0, 0, 0, 0, 0])]),
    nothing: Buffer.alloc(0),
  };
  for (const [name, bytes] of Object.entries(answers)) {
    let attempts = 0;
    await using hostile = await server((socket) => {
      attempts++;
      socket.write(bytes);
      if (name === "nothing") socket.end();
    });
    const client = connect(suiteContract, { endpoint: hostile.endpoint, connectTimeoutMs: 300 });
    t.match(await failure(client.call("echo", 1)), { code: "Unavailable", message: "within 300 ms" }, name);
    await until(() => attempts > 1);
    client.close();
  }
});

test("a connection that violates the protocol later is lost, and its pending calls fail", async (t) => {
  for (const bytes of [Buffer.from([2, 127, 0, 0, 0, 0, 0, 0, 0]), encodeCommand("ERROR", Buffer.from("\x03no!"))]) {
    await using hostile = await server((socket) => {
      socket.write(ready);
      // Behind the greeting and READY comes the call.
      let heard = 0;
      socket.on("data", (data) => {
        heard += data.length;
        if (heard > 120) socket.write(bytes);
      });
    });
    const client = connect(suiteContract, { endpoint: hostile.endpoint });
    t.match(await failure(client.call("echo", "x".repeat(200))), { code: "Unavailable", message: "was lost" });
    client.close();
  }
});

test("a heartbeat is answered", async (t) => {
  const pong = Promise.withResolvers<string>();
  await using peer = await server((socket) => {
    socket.write(Buffer.concat([ready, encodeCommand("PING", Buffer.from("\0\x01context"))]));
    socket.on("data", (data) => data.includes("PONG") && pong.resolve(data.toString("latin1")));
  });
  const client = connect(suiteContract, { endpoint: peer.endpoint });
  const call = failure(client.call("echo", 1));
  t.match(await pong.promise, encodeCommand("PONG", Buffer.from("context")).toString("latin1"));
  client.close();
  await call;
});

test("bytes that come one at a time are the same messages", async (t) => {
  const fixture = join(import.meta.dirname, "fixtures/suite-server.ts");
  await using real = start(nodeProgram, [fixture, `ipc://${directory}/real.sock`]);
  await waitFor(() => real.stdout() !== "", { what: "the server" });
  await using slow = await server((socket) => {
    const behind = connectSocket(`${directory}/real.sock`);
    socket.pipe(behind);
    behind.on("data", (data: Buffer) => {
      for (const byte of data) socket.write(Uint8Array.of(byte));
    });
    socket.on("close", () => behind.destroy());
  });
  const client = connect(suiteContract, { endpoint: slow.endpoint });
  t.same(await client.call("echo", { text: "x".repeat(300), list: [1, 2, 3] }), {
    text: "x".repeat(300),
    list: [1, 2, 3],
  });
  client.close();
});

test("frames of every length, cut anywhere", async (t) => {
  const lengths = [0, 1, 254, 255, 256, 257, 4096, 4097, 70_000];
  const messages: Frames[] = lengths.map((length, index) =>
    [...lengths.slice(0, index), length].map((length) => filled(length)),
  );
  const bytes = Buffer.concat(messages.flatMap((frames) => encodeMessage(frames)));
  for (const piece of [1, 2, 3, 7, 255, 4096, bytes.length]) {
    const seen: Frames[] = [];
    const reader = new FrameReader(1 << 20, { message: (frames) => seen.push(frames), command: () => t.fail() });
    for (let at = 0; at < bytes.length; at += piece) reader.push(bytes.subarray(at, at + piece));
    t.same(seen.map(sizes), messages.map(sizes), `in pieces of ${piece}`);
    t.ok(
      seen.every((frames, index) =>
        Buffer.concat(frames as Buffer[]).equals(Buffer.concat(messages[index] as Buffer[])),
      ),
    );
  }
  const reader = new FrameReader(255, { message: () => {}, command: () => {} });
  t.throws(() => reader.push(Buffer.concat(encodeMessage([filled(256)]))), ZmtpError);
});

function filled(length: number): Buffer {
  return Buffer.alloc(length, `${length} bytes `);
}

function sizes(frames: Frames): number[] {
  return frames.map(({ length }) => length);
}
