import type { RequestOf } from "@gantry/ipc";
import type { Engine, EngineMethods } from "../engine/connect.ts";
import type { SessionStream } from "../io/session.ts";

type AttachRequest = RequestOf<EngineMethods["containerAttach"]>;

/**
 * Opens a container's streams and waits until the engine says that they are attached, so that nothing of what
 * the container writes after its start is missed.
 */
export async function openAttach(engine: Engine, request: AttachRequest): Promise<SessionStream> {
  const stream = engine.open("containerAttach", request);
  const items = stream.items[Symbol.asyncIterator]();
  const first = await items.next();
  // ended before it began: the reason is in the result
  if (first.done) await stream.result;
  return {
    items: { [Symbol.asyncIterator]: () => items },
    result: stream.result,
    send: (input, ...blobs) => stream.send(input, ...blobs),
    cancel: () => stream.cancel(),
  };
}
