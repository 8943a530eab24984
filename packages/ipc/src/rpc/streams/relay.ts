import type { OpenStream, StreamContext } from "../types.ts";
import type { Inflow } from "./inflow.ts";
import type { Outflow } from "./outflow.ts";
import { rawOf } from "./stream.ts";

/**
 * Passes an open stream on: items and blobs in both directions as the bytes that came (their receivers
 * check them), half-close, credit (a slow reader at one end slows the writer at the other), cancellation
 * downwards and errors upwards. Resolves with the upstream's reply.
 *
 * @param downstream the context that a streaming handler was given
 * @param upstream the stream that the handler opened with the same item and input schemas
 * @throws RpcError the upstream's failure, or Cancelled once the downstream is gone
 */
export async function relay<Item, Input, Reply>(
  downstream: StreamContext<Item, Input>,
  upstream: OpenStream<Item, Input, Reply>,
): Promise<Reply> {
  const caller = rawOf(downstream);
  const server = rawOf(upstream);
  const cancel = () => upstream.cancel();
  downstream.signal.addEventListener("abort", cancel, { once: true });
  if (downstream.signal.aborted) cancel();
  // The input may stay open for as long as it likes: the reply is what ends the stream.
  copy(caller.inflow, server.outflow).then(() => upstream.end(), cancel);
  try {
    await copy(server.inflow, caller.outflow);
    return await upstream.result;
  } finally {
    downstream.signal.removeEventListener("abort", cancel);
    upstream.cancel();
  }
}

async function copy(from: Inflow, to: Outflow): Promise<void> {
  for (;;) {
    const item = await from.take();
    if (item === undefined) return;
    await to.send(item);
  }
}
