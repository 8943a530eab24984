/** Unquotes a Go string, raw string or character constant. @returns undefined for invalid syntax */
export function unquote(text: string): string | undefined {
  if (text.startsWith("`")) return text.slice(1, -1).replaceAll("\r", "");
  const isChar = text.startsWith("'");
  const escapes = /\\(?:([abfnrtv\\'"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([\s\S]|$))/g;
  const named: Readonly<Record<string, string>> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };
  let valid = true;
  // Bytes given by \x and \ooo may form one character together.
  const bytes: Buffer[] = [];
  const inner = text.slice(1, -1);
  let last = 0;
  for (const match of inner.matchAll(escapes)) {
    bytes.push(Buffer.from(inner.slice(last, match.index)));
    last = match.index + match[0].length;
    const [, name, hex, short, long, octal, wrong] = match;
    const code = Number.parseInt(short ?? long ?? "0", 16);
    const byte = hex === undefined ? Number.parseInt(octal ?? "0", 8) : Number.parseInt(hex, 16);
    if (wrong !== undefined || byte > 255 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) valid = false;
    else if (name === "'" || name === '"') {
      if ((name === "'") !== isChar) valid = false;
      bytes.push(Buffer.from(name));
    } else if (name !== undefined) bytes.push(Buffer.from(named[name] ?? name));
    else
      bytes.push(hex === undefined && octal === undefined ? Buffer.from(String.fromCodePoint(code)) : Buffer.of(byte));
  }
  bytes.push(Buffer.from(inner.slice(last)));
  const value = Buffer.concat(bytes).toString();
  return valid && (!isChar || [...value].length === 1) ? value : undefined;
}

/** strconv.Quote. */
export function quote(text: string): string {
  return `"${escapeGo(text, '"')}"`;
}

/** %q of an integer: a character constant. */
export function quoteChar(char: string): string {
  return `'${escapeGo(char, "'")}'`;
}

function escapeGo(text: string, delimiter: string): string {
  const named: Readonly<Record<string, string>> = {
    "\x07": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
  };
  return [...text]
    .map((char) => {
      if (char === delimiter) return `\\${char}`;
      if (named[char]) return named[char];
      if (char === " " || /[^\p{C}\p{Z}]/u.test(char)) return char;
      const code = char.codePointAt(0) ?? 0;
      if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
      return code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
    })
    .join("");
}
