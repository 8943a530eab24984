/**
 * A path whose characters are one byte each (Node's "latin1"). Names in a file system are bytes and need not be UTF-8;
 * such strings can be joined, split and compared, and lose nothing.
 */
export type BytePath = string;

/** The byte path of an ordinary string, such as a directory named on a command line. */
export function toBytePath(path: string): BytePath {
  return isAscii(path) ? path : Buffer.from(path).toString("latin1");
}

/** The path as `fs` and the native functions take it. ASCII, which most names are, needs no buffer. */
export function fsPath(path: BytePath): string | Buffer {
  return isAscii(path) ? path : Buffer.from(path, "latin1");
}

/** The path for messages: bytes that are not UTF-8 show as �. */
export function readable(path: BytePath): string {
  return isAscii(path) ? path : Buffer.from(path, "latin1").toString();
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}
