/**
 * Names in a file system are bytes, and need not be UTF-8. Here they travel as strings in which each character is one
 * byte (Node's "latin1"): such strings can be joined, split and compared, and nothing of a name is lost.
 */
export type BytePath = string;

/** An ordinary string, such as a directory that a person named. */
export function toBytePath(path: string): BytePath {
  return isAscii(path) ? path : Buffer.from(path).toString("latin1");
}

/** As `fs` and the native functions take it: ASCII, which most names are, needs no bytes. */
export function fsPath(path: BytePath): string | Buffer {
  return isAscii(path) ? path : Buffer.from(path, "latin1");
}

/** For people: bytes that are no UTF-8 show as �. */
export function readable(path: BytePath): string {
  return isAscii(path) ? path : Buffer.from(path, "latin1").toString();
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}
