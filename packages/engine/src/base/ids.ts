import { randomBytes } from "node:crypto";

/** A new id: 64 hex digits, of which the first twelve are never all decimal (they are also a hostname). */
export function newId(): string {
  for (;;) {
    const id = randomBytes(32).toString("hex");
    if (!/^\d{12}/.test(id)) return id;
  }
}

/** The first twelve digits of an id, as Docker shows it. */
export function shortId(id: string): string {
  return id.startsWith("sha256:") ? id.slice(7, 19) : id.slice(0, 12);
}

/** Whether a text has the form of an id of this engine. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
