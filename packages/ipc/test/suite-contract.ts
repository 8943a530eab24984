import assert from "node:assert/strict";
import * as v from "valibot";
import { call, contract, type Handlers, RpcError, stream } from "../src/index.ts";

const text = v.object({ text: v.string() });
const number = v.object({ n: v.number() });

/** The suite's methods: one for each feature that a transport must carry. */
export const suiteContract = contract("suite", 1, {
  echo: call({ doc: "Answers what it was sent.", idempotent: true, request: v.unknown(), reply: v.unknown() }),
  create: call({
    doc: "Takes a nested request.",
    request: v.object({ name: v.string(), HostConfig: v.object({ Memory: v.optional(v.number()) }) }),
    reply: text,
  }),
  blobSizes: call({
    doc: "Sizes of the blobs.",
    request: v.object({}),
    reply: v.object({ sizes: v.array(v.number()) }),
  }),
  fail: call({
    doc: "Fails.",
    request: v.object({ how: v.picklist(["rpc", "plain", "clean-up", "reply"]) }),
    reply: text,
  }),
  hang: call({ doc: "Ends when its signal is aborted.", request: text, reply: text }),
  count: stream({ doc: "Sends numbers up to n.", request: number, item: number, input: v.never(), reply: number }),
  fill: stream({
    doc: "Sends blobs of a size until it is cancelled.",
    request: v.object({ size: v.number() }),
    item: number,
    input: v.never(),
    reply: text,
  }),
  sink: stream({
    doc: "Reads input once it is released.",
    request: v.object({}),
    item: number,
    input: number,
    reply: number,
  }),
  cat: stream({ doc: "Sends back what it gets.", request: text, item: number, input: number, reply: text }),
  breakOff: stream({ doc: "Sends n items, then fails.", request: number, item: number, input: v.never(), reply: text }),
  badItem: stream({
    doc: "Sends an item that fails its check.",
    request: number,
    item: number,
    input: number,
    reply: text,
  }),
});
export type SuiteMethods = typeof suiteContract.methods;

/** State of the handlers that tests inspect. */
export interface Probe {
  /** Names of hanging calls whose handler runs. */
  readonly hanging: Set<string>;
  /** Why the signal of a hanging call or of `fill` was aborted. */
  readonly aborted: Map<string, unknown>;
  /** Items that `fill` has sent. */
  sent: number;
  /** Lets `sink` read. */
  readonly read: PromiseWithResolvers<void>;
}

export function newProbe(): Probe {
  return { hanging: new Set(), aborted: new Map(), sent: 0, read: Promise.withResolvers<void>() };
}

export function suiteHandlers(probe: Probe): Handlers<SuiteMethods> {
  return {
    echo: async (request) => request,
    create: async (request) => ({ text: `${request.name} ${request.HostConfig.Memory}` }),
    blobSizes: async (_request, { blobs }) => ({ sizes: blobs.map((blob) => blob.length) }),
    fail: async ({ how }) => {
      if (how === "rpc") throw new RpcError("NotFound", "no such thing", { id: "x" });
      if (how === "plain") throw new Error("a fault of the handler");
      if (how === "clean-up") {
        using _resource = { [Symbol.dispose]: () => assert.fail("a fault of the clean-up") };
        throw new RpcError("NotFound", "no such thing");
      }
      return { text: 5 as unknown as string };
    },
    hang: async ({ text }, { signal }) => {
      probe.hanging.add(text);
      await aborted(signal);
      probe.aborted.set(text, signal.reason);
      return { text: "too late" };
    },
    count: async ({ n }, { send }) => {
      for (let i = 1; i <= n; i++) await send({ n: i });
      return { n };
    },
    fill: async ({ size }, { send, signal }) => {
      signal.addEventListener("abort", () => probe.aborted.set("fill", signal.reason));
      for (;;) {
        await send({ n: probe.sent }, Buffer.alloc(size, probe.sent));
        probe.sent += 1;
      }
    },
    sink: async (_request, { input }) => {
      await probe.read.promise;
      let sum = 0;
      for await (const { value } of input) sum += value.n;
      return { n: sum };
    },
    cat: async ({ text }, { input, send, signal }) => {
      signal.addEventListener("abort", () => probe.aborted.set(text, signal.reason));
      for await (const { value, blobs } of input) await send(value, ...blobs);
      return { text };
    },
    breakOff: async ({ n }, { send }) => {
      for (let i = 1; i <= n; i++) await send({ n: i });
      throw new RpcError("ResourceExhausted", "that was all", { n });
    },
    badItem: async ({ n }, { send, input }) => {
      if (n === 1) await send({ n: "one" as unknown as number });
      for await (const _ of input) break;
      return { text: "done" };
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
