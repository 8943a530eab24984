import type { SessionInput, SessionItem, SessionStream } from "@gantry/cli/session";
import type { OpenStream, RequestOf } from "@gantry/ipc";
import type { Engine, EngineMethods } from "../engine/connect.ts";

type EngineStream = OpenStream<SessionItem["value"], SessionInput, { ExitCode?: number | undefined }>;
type AttachRequest = RequestOf<EngineMethods["containerAttach"]>;

/**
 * Opens a container's streams and waits until the engine reports that they are attached, so that no output that
 * the container writes after its start is missed.
 */
export async function openAttach(engine: Engine, request: AttachRequest): Promise<SessionStream> {
  const stream = engine.open("containerAttach", request);
  const items = stream.items[Symbol.asyncIterator]();
  const first = await items.next();
  // The stream ended before it was attached: its result has the error.
  if (first.done) await stream.result;
  return {
    ...asSession(stream),
    items: { [Symbol.asyncIterator]: () => items },
  };
}

/** Adapts an engine's stream to a session. */
export function asSession(stream: EngineStream): SessionStream {
  return {
    items: stream.items,
    exitCode: stream.result.then(({ ExitCode }) => ExitCode),
    send: (input, ...blobs) => stream.send(input, ...blobs),
    cancel: () => stream.cancel(),
  };
}
