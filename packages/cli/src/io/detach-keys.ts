const named: Readonly<Record<string, number>> = { del: 127 };
const control = "@abcdefghijklmnopqrstuvwxyz[\\]^_";

/** The bytes of --detach-keys: letters and ctrl-LETTER, with commas between. @throws Error */
export function parseDetachKeys(text: string): Uint8Array {
  if (text === "") return new Uint8Array();
  return Uint8Array.from(
    text.split(",").map((key) => {
      if (key.length === 1) return key.charCodeAt(0);
      const at =
        key.toLowerCase().startsWith("ctrl-") && key.length === 6 ? control.indexOf(key.slice(-1).toLowerCase()) : -1;
      const code = at >= 0 ? at : named[key.toLowerCase()];
      if (code === undefined) throw new Error(`invalid detach keys (${text}): unknown character: '${key}'`);
      return code;
    }),
  );
}

export const defaultDetachKeys = "ctrl-p,ctrl-q";

/**
 * Finds the detach keys in the input. Bytes that may be the start of them are held back until it is clear that they
 * are not.
 */
export class DetachFilter {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** @returns the bytes to pass to the container, and whether the keys are complete */
  push(bytes: Uint8Array): { readonly pass: Uint8Array; readonly detached: boolean } {
    if (this.#keys.length === 0 || (this.#matched === 0 && !bytes.includes(this.#keys[0] as number))) {
      return { pass: bytes, detached: false };
    }
    const pass: number[] = [];
    for (const byte of bytes) {
      if (byte !== this.#keys[this.#matched]) {
        pass.push(...this.#keys.subarray(0, this.#matched));
        this.#matched = 0;
      }
      if (byte === this.#keys[this.#matched]) this.#matched++;
      else pass.push(byte);
      if (this.#matched === this.#keys.length) return { pass: Uint8Array.from(pass), detached: true };
    }
    return { pass: Uint8Array.from(pass), detached: false };
  }
}
