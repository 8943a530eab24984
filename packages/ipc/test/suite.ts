import { type Test, test } from "tap";
import {
  type Client,
  type Connect,
  contract,
  isRpcError,
  type RpcError,
  type Serve,
  type ServeOptions,
  type Server,
} from "../src/index.ts";
import { newProbe, type Probe, type SuiteMethods, suiteContract, suiteHandlers } from "./suite-contract.ts";
import { until } from "./until.ts";

/** The parts of a transport that the suite needs. */
export interface Transport {
  readonly name: string;
  readonly serve: Serve;
  readonly connect: Connect;
  /** A new endpoint that nothing listens on. */
  endpoint(): string;
}

/** A server with the suite's handlers and a client of it, closed with the test. */
export interface Pair {
  readonly probe: Probe;
  readonly server: Server;
  readonly client: Client<SuiteMethods>;
  readonly faults: Error[];
  /** Resolves when the client has noticed that its server is gone. */
  readonly lost: Promise<void>;
}

export async function pair(t: Test, transport: Transport, options: Partial<ServeOptions> = {}): Promise<Pair> {
  const probe = newProbe();
  const faults: Error[] = [];
  const endpoint = transport.endpoint();
  const server = await transport.serve(suiteContract, suiteHandlers(probe), {
    endpoint,
    onError: (error) => faults.push(error),
    ...options,
  });
  const lost = Promise.withResolvers<void>();
  const client = transport.connect(suiteContract, { endpoint, onDisconnect: lost.resolve });
  t.teardown(async () => {
    client.close();
    await server.close({ deadlineMs: 0 });
  });
  return { probe, server, client, faults, lost: lost.promise };
}

/** The error that a promise rejects with; fails the test when it resolves. */
export async function failure(promise: Promise<unknown>): Promise<RpcError> {
  try {
    await promise;
  } catch (error) {
    if (isRpcError(error)) return error;
    throw error;
  }
  throw new Error("expected an RpcError");
}

/** Everything that both ends promise, on one transport. */
export function runSuite(transport: Transport): void {
  calls(transport);
  failures(transport);
  endings(transport);
  streams(transport);
  pressure(transport);
}

function calls(transport: Transport): void {
  test(`${transport.name}: values arrive as they were sent`, async (t) => {
    const { client } = await pair(t, transport);
    const value = {
      text: "größe",
      list: [1, -1, 1.5, 2 ** 40, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
      none: null,
      yes: true,
      bytes: new Uint8Array([0, 255, 1]),
      nested: { a: [{ b: {} }], long: "x".repeat(70_000) },
      many: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`key${i}`, i])),
    };
    const back = (await client.call("echo", { ...value, left: undefined })) as typeof value;
    t.strictSame({ ...back, bytes: new Uint8Array(back.bytes) }, value);
    t.notOk(Object.hasOwn(back, "left"), "a property without a value does not travel");
  });

  test(`${transport.name}: blobs travel beside a request`, async (t) => {
    const { client } = await pair(t, transport);
    const blobs = [new Uint8Array(0), Buffer.alloc(5), Buffer.alloc(3 << 20)];
    t.strictSame(await client.call("blobSizes", {}, { blobs }), { sizes: [0, 5, 3 << 20] });
  });

  test(`${transport.name}: a thousand calls at once`, async (t) => {
    const { client } = await pair(t, transport);
    const numbers = Array.from({ length: 1000 }, (_, i) => i);
    t.strictSame(await Promise.all(numbers.map((n) => client.call("echo", n))), numbers);
  });
}

function failures(transport: Transport): void {
  test(`${transport.name}: errors keep code, message and data`, async (t) => {
    const { client, faults } = await pair(t, transport);
    const known = await failure(client.call("fail", { how: "rpc" }));
    t.match(known, { code: "NotFound", message: "no such thing", data: { id: "x" } });
    t.same(faults, []);
    const unknown = await failure(client.call("fail", { how: "plain" }));
    t.match(unknown, { code: "Internal", message: "a fault of the handler" });
    t.match(faults, [{ message: "a fault of the handler" }]);
    const first = await failure(client.call("fail", { how: "clean-up" }));
    t.match(first, { code: "NotFound", message: "no such thing" }, "a failed clean-up does not hide the failure");
  });

  test(`${transport.name}: what fails its check is named by its path`, async (t) => {
    const { client } = await pair(t, transport);
    const request = { name: "a", HostConfig: { Memory: "much" as unknown as number } };
    const error = await failure(client.call("create", request));
    t.match(error, { code: "InvalidArgument", data: { path: "HostConfig.Memory" } });
    t.match(error.message, /^HostConfig\.Memory: must be number, not "much"$/);
    t.match(await failure(client.call("fail", { how: "reply" })), {
      code: "Internal",
      message: /text: must be string/,
    });
  });

  test(`${transport.name}: methods and contracts that the server does not serve`, async (t) => {
    const { server } = await pair(t, transport);
    const { echo } = suiteContract.methods;
    const newer = transport.connect(contract("suite", 1, { newMethod: echo, constructor: echo }), server);
    const other = transport.connect(contract("suite", 2, { echo }), server);
    t.teardown(() => {
      newer.close();
      other.close();
    });
    t.match(await failure(newer.call("newMethod", 1)), { code: "Unimplemented", message: /no method "newMethod"/ });
    t.match(await failure(newer.call("constructor", 1)), { code: "Unimplemented" });
    t.match(await failure(other.call("echo", 1)), { code: "FailedPrecondition", message: /suite\/1, not suite\/2/ });
  });

  test(`${transport.name}: a value that cannot travel is refused at its sender`, async (t) => {
    const { client } = await pair(t, transport);
    t.match(await failure(client.call("echo", { at: new Date() })), { code: "InvalidArgument", message: /Date/ });
    const blobs = [Buffer.alloc((64 << 20) + 1)];
    t.match(await failure(client.call("blobSizes", {}, { blobs })), { message: /may have 67108864 bytes/ });
    t.equal(await client.call("echo", 1), 1);
  });
}

function endings(transport: Transport): void {
  test(`${transport.name}: a deadline ends the call at both ends`, async (t) => {
    const { client, probe } = await pair(t, transport);
    const error = await failure(client.call("hang", { text: "a" }, { timeoutMs: 20 }));
    t.equal(error.code, "DeadlineExceeded");
    await until(() => probe.aborted.has("a"));
    t.equal(await client.call("echo", 1), 1);
  });

  test(`${transport.name}: a caller cancels`, async (t) => {
    const { client, probe } = await pair(t, transport);
    const controller = new AbortController();
    const call = failure(client.call("hang", { text: "a" }, { signal: controller.signal }));
    await until(() => probe.hanging.has("a"));
    controller.abort();
    t.equal((await call).code, "Cancelled");
    await until(() => isRpcError(probe.aborted.get("a"), "Cancelled"));
    const before = await failure(client.call("hang", { text: "b" }, { signal: AbortSignal.abort() }));
    t.equal(before.code, "Cancelled");
    t.notOk(probe.hanging.has("b"), "a call cancelled before it was made is not made");
  });

  test(`${transport.name}: a client that closes ends its calls at both ends`, async (t) => {
    const { client, probe } = await pair(t, transport);
    const call = failure(client.call("hang", { text: "a" }));
    await until(() => probe.hanging.has("a"));
    client.close();
    t.equal((await call).code, "Cancelled");
    await until(() => probe.aborted.has("a"));
    t.equal((await failure(client.call("echo", 1))).code, "Cancelled");
  });

  test(`${transport.name}: a server that closes lets calls finish, then ends the rest`, async (t) => {
    const { client, probe, server } = await pair(t, transport);
    const stream = client.open("cat", { text: "bye" });
    const hanging = failure(client.call("hang", { text: "a" }));
    await until(() => probe.hanging.has("a"));
    await stream.send({ n: 1 });
    const closed = server.close({ deadlineMs: 200 });
    stream.end();
    t.same(await stream.result, { text: "bye" }, "an open stream may end by itself");
    t.equal((await hanging).code, "Unavailable");
    await closed;
    t.ok(probe.aborted.has("a"));
  });

  test(`${transport.name}: a server that is gone fails what is pending, and may come back`, async (t) => {
    const { client, probe, server, lost } = await pair(t, transport);
    const call = failure(client.call("hang", { text: "a" }));
    await until(() => probe.hanging.has("a"));
    await server.close({ deadlineMs: 0 });
    t.equal((await call).code, "Unavailable");
    await lost;
    const second = await transport.serve(suiteContract, suiteHandlers(probe), { endpoint: server.endpoint });
    t.teardown(() => second.close({ deadlineMs: 0 }));
    t.equal(await client.call("echo", 7), 7);
  });
}

function streams(transport: Transport): void {
  test(`${transport.name}: items in order, then the reply`, async (t) => {
    const { client } = await pair(t, transport);
    const stream = client.open("count", { n: 1000 });
    const seen: number[] = [];
    for await (const { value } of stream.items) seen.push(value.n);
    t.same(
      seen,
      Array.from({ length: 1000 }, (_, i) => i + 1),
    );
    t.same(await stream.result, { n: 1000 });
  });

  test(`${transport.name}: items not yet taken outlive the reply`, async (t) => {
    const { client } = await pair(t, transport);
    const stream = client.open("count", { n: 3 });
    t.same(await stream.result, { n: 3 });
    const seen: number[] = [];
    for await (const { value } of stream.items) seen.push(value.n);
    t.same(seen, [1, 2, 3]);
  });

  test(`${transport.name}: both directions at once, blobs intact, half-close`, async (t) => {
    const { client } = await pair(t, transport);
    const stream = client.open("cat", { text: "end" });
    const blob = Buffer.alloc(3 << 20, "gantry");
    const sending = (async () => {
      for (let n = 0; n < 200; n++) await stream.send({ n }, Buffer.from([n]), n % 50 === 0 ? blob : Buffer.alloc(0));
      stream.end();
    })();
    let n = 0;
    for await (const { value, blobs } of stream.items) {
      if (value.n !== n || blobs[0]?.[0] !== n % 256) t.fail(`item ${n} differs`);
      if (n % 50 === 0) t.ok(blob.equals(blobs[1] ?? Buffer.alloc(0)), "a blob larger than the window arrives whole");
      n += 1;
    }
    await sending;
    t.equal(n, 200);
    t.same(await stream.result, { text: "end" });
    await t.rejects(stream.send({ n: 1 }), "an ended direction takes no more");
  });

  test(`${transport.name}: a handler that has returned is not aborted`, async (t) => {
    const { client, server, probe } = await pair(t, transport);
    const stream = client.open("cat", { text: "a" });
    stream.end();
    await stream.result;
    stream.cancel();
    client.close();
    await server.close();
    t.equal(probe.aborted.size, 0);
  });

  test(`${transport.name}: an error in a stream comes after its items, and by the result`, async (t) => {
    const { client } = await pair(t, transport);
    const stream = client.open("breakOff", { n: 2 });
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { value } of stream.items) seen.push(value.n);
    })();
    t.match(await failure(reading), { code: "ResourceExhausted", data: { n: 2 } });
    t.same(seen, [1, 2]);
    t.match(await failure(stream.result), { code: "ResourceExhausted", message: "that was all" });
  });

  test(`${transport.name}: a reader that leaves, or cancels, ends the stream`, async (t) => {
    const { client, probe } = await pair(t, transport);
    const left = client.open("fill", { size: 10 });
    for await (const _ of left.items) break;
    t.equal((await failure(left.result)).code, "Cancelled");
    await until(() => probe.aborted.delete("fill"));
    const cancelled = client.open("fill", { size: 10 });
    await until(() => probe.sent > 0);
    cancelled.cancel();
    t.equal((await failure(cancelled.result)).code, "Cancelled");
    await until(() => probe.aborted.has("fill"));
  });

  test(`${transport.name}: items that fail their check end the stream`, async (t) => {
    const { client } = await pair(t, transport);
    const bad = client.open("badItem", { n: 1 });
    const reading = (async () => {
      for await (const _ of bad.items);
    })();
    t.match(await failure(reading), { code: "InvalidArgument", data: { path: "n" } });
    const input = client.open("badItem", { n: 0 });
    await input.send({ n: "one" as unknown as number });
    t.match(await failure(input.result), { code: "InvalidArgument", message: /^n: must be number/ });
  });
}

function pressure(transport: Transport): void {
  test(`${transport.name}: a reader that does not read stalls its writer, and nothing is lost`, async (t) => {
    const { client, probe } = await pair(t, transport);
    for (const [size, most] of [
      [1, 64],
      [100_000, 11],
    ] as const) {
      probe.sent = 0;
      const stream = client.open("fill", { size });
      // Calls on the same socket go through meanwhile; by then the stalled writer has had its turns.
      await until(() => probe.sent >= most - 1);
      for (let i = 0; i < 20; i++) await client.call("echo", i);
      t.ok(probe.sent <= most, `${probe.sent} items of ${size} bytes are under way`);
      let n = 0;
      for await (const { value, blobs } of stream.items) {
        if (value.n !== n || blobs[0]?.length !== size) t.fail(`item ${n} differs`);
        n += 1;
        if (n === 500) break;
      }
      await until(() => probe.aborted.delete("fill"));
    }
  });

  test(`${transport.name}: a handler that does not read stalls its caller`, async (t) => {
    const { client, probe } = await pair(t, transport);
    const stream = client.open("sink", {});
    let sent = 0;
    const sending = (async () => {
      for (let n = 1; n <= 300; n++) {
        await stream.send({ n });
        sent = n;
      }
      stream.end();
    })();
    for (let i = 0; i < 20; i++) await client.call("echo", i);
    t.ok(sent <= 64, `${sent} items are under way`);
    probe.read.resolve();
    await sending;
    t.same(await stream.result, { n: (300 * 301) / 2 });
  });

  test(`${transport.name}: a sender that does not wait is stopped`, async (t) => {
    const { client } = await pair(t, transport);
    const stream = client.open("sink", {});
    const sends = Array.from({ length: 1200 }, (_, n) => stream.send({ n }));
    const error = await failure(Promise.all(sends));
    t.equal(error.code, "ResourceExhausted");
    stream.cancel();
    await Promise.allSettled(sends);
  });
}
