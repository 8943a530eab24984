import { pack, unpack } from "msgpackr";
import { type Test, test } from "tap";
import { Dealer } from "zeromq";
import { ipcTransport } from "./ipc-transport.ts";
import { pair } from "./suite.ts";

const transport = ipcTransport();

/** A socket that sends any frames and reads the answers. */
function raw(t: Test, endpoint: string) {
  const socket = new Dealer({ linger: 0, receiveTimeout: 5000 });
  socket.connect(endpoint);
  t.teardown(() => socket.close());
  return {
    send: (...frames: Uint8Array[]) => socket.send(frames),
    async answer() {
      const [header, body] = await socket.receive();
      return { header: unpack(header as Buffer) as number[], error: unpack(body as Buffer) as Record<string, unknown> };
    },
  };
}

/** 5 MB that would become hundreds in memory. */
const manyArrays = Buffer.alloc(5 + (5 << 20), 0x90);
manyArrays[0] = 0xdd;
manyArrays.writeUInt32BE(5 << 20, 1);

const deep = Buffer.concat([Buffer.alloc(100_000, 0x91), Buffer.from([0xc0])]);

test("errors of a message are answered where its call can be decoded", async (t) => {
  const { server } = await pair(t, transport);
  const socket = raw(t, server.endpoint);
  const cases: [string, Uint8Array[], object][] = [
    [
      "another version",
      [pack([2, 1, 7, "echo", 0])],
      { code: "InvalidArgument", message: /protocol version must be 1/ },
    ],
    ["an unknown kind", [pack([1, 99, 7])], { code: "InvalidArgument", message: /kind/ }],
    ["no method", [pack([1, 1, 7])], { code: "InvalidArgument", message: /method/ }],
    ["a time-out below 0", [pack([1, 1, 7, "echo", -1])], { code: "InvalidArgument", message: /time-out/ }],
    ["a reply", [pack([1, 2, 7]), pack({})], { code: "InvalidArgument", message: /cannot send a reply/ }],
    ["credit below 0", [pack([1, 7, 7, -1, 0])], { code: "InvalidArgument", message: /credit/ }],
    ["a truncated body", [pack([1, 1, 7, "echo", 0]), Buffer.from([0x92, 1])], { message: /truncated/ }],
    ["bytes after the body", [pack([1, 1, 7, "echo", 0]), Buffer.from([1, 1])], { message: /1 bytes follow/ }],
    ["an extension", [pack([1, 1, 7, "echo", 0]), pack(new Date())], { message: /extensions/ }],
    ["the unused token", [pack([1, 1, 7, "echo", 0]), Buffer.from([0xc1])], { message: /0xc1/ }],
    ["a map with a number as key", [pack([1, 1, 7, "echo", 0]), Buffer.from([0x81, 1, 1])], { message: /key/ }],
    ["a body that nests deeply", [pack([1, 1, 7, "echo", 0]), deep], { message: /nests deeper/ }],
    ["more values than any document has", [pack([1, 1, 7, "echo", 0]), manyArrays], { message: /more than 1048576/ }],
    ["an array longer than its message", [pack([1, 1, 7, "echo", 0]), Buffer.from("ddffffffff", "hex")], {}],
  ];
  for (const [name, frames, error] of cases) {
    await socket.send(...frames);
    t.match(await socket.answer(), { header: [1, 3, 7], error: { code: "InvalidArgument", ...error } }, name);
  }
});

test("an item for a call that takes none ends that call alone", async (t) => {
  const { server, client } = await pair(t, transport);
  const socket = raw(t, server.endpoint);
  await socket.send(pack([1, 1, 1, "hang", 0]), pack({ text: "a" }));
  await socket.send(pack([1, 4, 1]), pack({ n: 1 }));
  t.match(await socket.answer(), { header: [1, 3, 1], error: { code: "InvalidArgument", message: /not a stream/ } });

  await socket.send(pack([1, 1, 2, "sink", 0]), pack({}));
  for (let n = 0; n < 65; n++) await socket.send(pack([1, 4, 2]), pack({ n }));
  t.match(await socket.answer(), {
    header: [1, 3, 2],
    error: { code: "ResourceExhausted", message: /without credit/ },
  });

  await socket.send(pack([1, 1, 3, "sink", 0]), pack({}));
  await socket.send(pack([1, 5, 3]));
  await socket.send(pack([1, 4, 3]), pack({ n: 1 }));
  t.match(await socket.answer(), { header: [1, 3, 3], error: { code: "InvalidArgument", message: /after the end/ } });

  await socket.send(pack([1, 1, 4, "hang", 0]), pack({ text: "b" }));
  await socket.send(pack([1, 1, 4, "hang", 0]), pack({ text: "c" }));
  t.match(await socket.answer(), { header: [1, 3, 4], error: { code: "InvalidArgument", message: /in use/ } });
  t.equal(await client.call("echo", 1), 1);
});

test("random frames end nothing", async (t) => {
  const { server, client, faults } = await pair(t, transport);
  const socket = raw(t, server.endpoint);
  const random = generator(20_240_601);
  for (let i = 0; i < 5000; i++) await socket.send(...randomMessage(random));
  t.equal(await client.call("echo", "alive"), "alive");
  await socket.send(pack([1, 1, 999_999, "echo", 0]), pack("alive"));
  for (;;) {
    const { header, error } = await socket.answer();
    if (header[2] !== 999_999) continue;
    t.same({ header, error }, { header: [1, 2, 999_999], error: "alive" });
    break;
  }
  t.ok(faults.length > 0, "what could not be answered was reported");
});

type Random = (below: number) => number;

/** xorshift32: the same messages in every run. */
function generator(seed: number): Random {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Noise, or a good message with some bytes or elements changed. */
function randomMessage(random: Random): Uint8Array[] {
  const noise = () => Buffer.from(Array.from({ length: random(40) }, () => random(256)));
  const method = ["echo", "create", "cat", "sink", "count", "", 5][random(7)];
  const header = Buffer.from(
    pack([1, random(9), random(20), method, random(50), random(3) === 0 ? "suite/1" : random(9)]),
  );
  const body = Buffer.from(pack({ text: "x", n: random(9), size: random(9) }));
  switch (random(4)) {
    case 0:
      return [noise(), noise()];
    case 1:
      header[random(header.length)] = random(256);
      return [header, body];
    case 2:
      body[random(body.length)] = random(256);
      return [header, body, noise()];
    default:
      return [header];
  }
}
