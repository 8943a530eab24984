import { createConnection, type Socket } from "node:net";
import { waitFor } from "@gantry/testkit";
import { pack } from "msgpackr";
import { type Test, test } from "tap";
import { fileStack } from "../support/file-stack.ts";
import { isAlive } from "../support/stack.ts";
import { type Daemon, daemonsOf, openFiles, privateMemory, RawPeer } from "./raw-peer.ts";

const stack = await fileStack();

/** A call of each daemon that takes an empty body, and a stream that stays open. */
const questions: Readonly<Record<string, { ask: string; stream: [method: string, body: object] }>> = {
  engine: { ask: "info", stream: ["events", {}] },
  supervisor: { ask: "version", stream: ["events.subscribe", {}] },
  shim: { ask: "connect", stream: ["events", { from: 0 }] },
  worker: { ask: "state", stream: ["events", {}] },
};

test("random frames, wrong bodies, huge frames: every daemon goes on", (t) =>
  withEach(t, async (daemon) => {
    using peer = new RawPeer(daemon.endpoint);
    const random = generator(7);
    const noise = (length: number) => Buffer.from(Array.from({ length }, () => random(256)));
    const ask = questions[daemon.name]?.ask;
    for (let count = 0; count < 2000; count++) await peer.send(noise(random(60)), noise(random(60)));
    for (const body of [null, 5, "x", [], { namespace: 1 }, { id: {} }, Buffer.alloc(100)]) {
      await peer.send(pack([1, 1, 1 + random(1000), ask, 0]), pack(body), noise(10));
    }
    for (let count = 0; count < 500; count++) {
      await peer.send(pack([1, 1 + random(7), random(50), ask, random(9)]), noise(random(30)));
    }
    // An item of an unknown call, as large as a frame may be, and an array that would take gigabytes.
    await peer.send(pack([1, 4, 77]), pack({}), Buffer.alloc(60 << 20));
    const arrays = Buffer.alloc(5 + (20 << 20), 0x90);
    arrays[0] = 0xdd;
    arrays.writeUInt32BE(20 << 20, 1);
    await peer.send(pack([1, 1, 5000, ask, 0]), arrays);
    const refused = await peer.answer(5000);
    t.match(refused, { kind: 3, body: { code: "InvalidArgument", message: /more than 1048576 values/ } });
    // A frame beyond the limit ends the connection it came by, and only that.
    using large = new RawPeer(daemon.endpoint);
    await large.send(pack([1, 4, 77]), Buffer.alloc((64 << 20) + 1));
  }));

test("thousands of open streams without a reader: memory and calls come back with the peer's end", (t) =>
  withEach(t, async ({ name, endpoint }) => {
    using peer = new RawPeer(endpoint);
    const [method, body] = questions[name]?.stream ?? ["", {}];
    for (let id = 1; id <= 3000; id++) await peer.call(id, method, body);
    await peer.call(9999, questions[name]?.ask ?? "", {});
    t.ok((await peer.answer(9999)).kind > 0, `${name} answers beside them`);
  }));

test("thousands of connections that say nothing, or nonsense", (t) =>
  withEach(t, async (daemon) => {
    const path = daemon.endpoint.slice("ipc://".length);
    const sockets: Socket[] = [];
    for (let count = 0; count < 1500; count++) {
      const socket = createConnection(path, () => {
        if (count % 3 === 0) socket.write(Buffer.alloc(count, count));
        if (count % 5 === 0) socket.destroy();
      });
      socket.on("error", () => {});
      sockets.push(socket);
    }
    await waitFor(() => sockets.every(({ connecting }) => !connecting));
    using peer = new RawPeer(daemon.endpoint);
    await peer.call(1, questions[daemon.name]?.ask ?? "", {});
    t.ok((await peer.answer(1)).kind > 0, `${daemon.name} answers beside them`);
    for (const socket of sockets) socket.destroy();
  }));

test("the stack works after all that", async (t) => {
  t.equal(await stack.ok(["run", "--rm", "busybox", "echo", "well"]), "well\n");
});

/** Lets `attack` loose on a daemon of each kind: it must live, answer, and release descriptors and memory. */
async function withEach(t: Test, attack: (daemon: Daemon) => Promise<void>): Promise<void> {
  for (const name of Object.keys(questions)) {
    const daemon = await waitFor(() => daemonsOf(stack).find((each) => each.name === name), { what: name });
    const files = openFiles(daemon.pid).length;
    const memory = privateMemory(daemon.pid);
    await attack(daemon);
    t.ok(isAlive(daemon.pid), `${name} lives`);
    using peer = new RawPeer(daemon.endpoint);
    await peer.call(1, questions[name]?.ask ?? "", {});
    t.ok((await peer.answer(1)).kind > 0, `${name} answers`);
    await waitFor(() => openFiles(daemon.pid).length <= files + 4, { what: `${name}'s descriptors come back` });
    const grown = privateMemory(daemon.pid) - memory;
    t.ok(grown < 150_000, `${name} keeps ${grown} KiB`);
  }
}

/** xorshift32: the same in every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
