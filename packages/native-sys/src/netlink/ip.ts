export interface Prefix {
  /** 4 or 16 bytes, in network order. */
  readonly bytes: Buffer;
  /** Length of the prefix in bits. */
  readonly bits: number;
}

/** The 4 or 16 bytes of an address. @throws Error when the text is no address */
export function parseAddress(text: string): Buffer {
  // node:net takes milliseconds to load: only who reads an address pays for it.
  const { isIPv4, isIPv6 } = process.getBuiltinModule("node:net");
  if (isIPv4(text)) return Buffer.from(text.split(".").map(Number));
  if (!isIPv6(text) || text.includes("%")) throw new Error(`"${text}" is not an IPv4 or IPv6 address`);
  const [head = "", tail] = text.split("::", 2);
  const front = groups(head);
  if (tail === undefined) return Buffer.from(front);
  const back = groups(tail);
  return Buffer.from([...front, ...new Array<number>(16 - front.length - back.length).fill(0), ...back]);
}

/** "192.0.2.1/24"; without a length the whole address counts. @throws Error naming the text */
export function parsePrefix(text: string): Prefix {
  const [address = "", length] = text.split("/", 2);
  const bytes = parseAddress(address);
  const bits = length === undefined ? bytes.length * 8 : Number(length);
  if (length === "" || !Number.isInteger(bits) || bits < 0 || bits > bytes.length * 8) {
    throw new Error(`"${text}" must have a prefix length of 0 to ${bytes.length * 8}`);
  }
  return { bytes, bits };
}

/** Text of 4 or 16 bytes; IPv6 in the short form of RFC 5952. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2] ?? 0) << 8) | (bytes[i * 2 + 1] ?? 0));
  const run = longestZeroRun(groups);
  const hex = (part: number[]) => part.map((word) => word.toString(16)).join(":");
  if (run.length < 2) return hex(groups);
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`;
}

/** Bytes of "2001:db8" or "ffff:192.0.2.1". */
function groups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (group.includes(".")) return group.split(".").map(Number);
    const word = Number.parseInt(group, 16);
    return [word >> 8, word & 0xff];
  });
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
