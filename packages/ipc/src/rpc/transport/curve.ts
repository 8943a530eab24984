import type { Context } from "zeromq";
import { Context as NewContext, RouterSocket } from "./zeromq-sockets.ts";

/** Answers of the ZeroMQ authentication protocol (RFC 27/ZAP). */
const version = "1.0";

/**
 * A context of its own whose sockets accept only the clients on a list.
 * @param allow public keys of the clients, Z85 (40 characters each)
 */
export async function authenticatedContext(allow: readonly string[]): Promise<{ context: Context; close(): void }> {
  const allowed = new Set(allow.map((key) => z85Decode(key).toString("latin1")));
  const context = new NewContext();
  const handler = new RouterSocket({ context, linger: 0 });
  await handler.bind("inproc://zeromq.zap.01");
  answer(handler, allowed).catch(() => undefined);
  return { context, close: () => handler.close() };
}

/** Request: route, empty, version, request id, domain, address, identity, mechanism, client key. */
async function answer(handler: InstanceType<typeof RouterSocket>, allowed: ReadonlySet<string>): Promise<void> {
  for await (const [route, delimiter, , requestId, , , , mechanism, key] of handler) {
    if (route === undefined || delimiter === undefined || requestId === undefined) continue;
    const known = mechanism?.toString() === "CURVE" && key !== undefined && allowed.has(key.toString("latin1"));
    const status = known ? ["200", "OK", "client"] : ["400", "not on the list of allowed clients", ""];
    await handler.send([route, delimiter, version, requestId, ...status, ""]);
  }
}

const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/** Z85 (RFC 32): five characters to four bytes. */
function z85Decode(text: string): Buffer {
  if (text.length !== 40) throw new TypeError("a CURVE public key must have 40 characters (Z85)");
  const bytes = Buffer.alloc(32);
  for (let i = 0; i < 8; i++) {
    let value = 0;
    for (const character of text.slice(i * 5, i * 5 + 5)) {
      const digit = alphabet.indexOf(character);
      if (digit < 0) throw new TypeError("a CURVE public key must be Z85 text");
      value = value * 85 + digit;
    }
    bytes.writeUInt32BE(value, i * 4);
  }
  return bytes;
}
