import { test } from "tap";
import * as v from "valibot";
import { type Client, call, contract, type Handlers, stream } from "../src/index.ts";

const number = v.object({ n: v.number() });
const small = contract("small", 1, {
  add: call({ doc: "", request: number, reply: number }),
  feed: stream({ doc: "", request: number, item: number, input: number, reply: number }),
});
type Small = typeof small.methods;

/** Checked by the compiler: each line below an expectation must not compile. */
export function wrongHandlers(): Handlers<Small>[] {
  const add: Handlers<Small>["add"] = async ({ n }) => ({ n });
  const feed: Handlers<Small>["feed"] = async ({ n }) => ({ n });
  return [
    { add, feed },
    // @ts-expect-error a handler is missing
    { add },
    // @ts-expect-error the reply is of another type
    { add: async () => ({ n: "1" }), feed },
    // @ts-expect-error the request has no such field
    { add: async ({ m }) => ({ n: m }), feed },
    {
      add,
      feed: async (_request, { send }) => {
        // @ts-expect-error the item is of another type
        await send({ m: 1 });
        return { n: 1 };
      },
    },
  ];
}

export async function wrongCalls(client: Client<Small>): Promise<void> {
  const { n } = await client.call("add", { n: 1 });
  n.toFixed();
  // @ts-expect-error no such method
  await client.call("subtract", { n: 1 });
  // @ts-expect-error a stream is opened, not called
  await client.call("feed", { n: 1 });
  // @ts-expect-error the request is of another type
  await client.call("add", { n: "1" });
  // @ts-expect-error a call is not a stream
  client.open("add", { n: 1 });
  // @ts-expect-error the input is of another type
  await client.open("feed", { n: 1 }).send({ n: "1" });
}

test("a handler or a call that does not fit its contract does not compile", async (t) => {
  t.equal(wrongHandlers().length, 5);
});
