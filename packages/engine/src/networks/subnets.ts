import { readFile } from "node:fs/promises";
import { conflict } from "../base/errors.ts";
import { overlap, type Subnet, sizeOf } from "./ipv4.ts";

/** Subnets for networks that request none, in this order: 172.30 down to 172.17, then 10.200 upwards. */
const candidates: readonly Subnet[] = [
  ...Array.from({ length: 14 }, (_, i) => ({ base: (172 * 256 + 30 - i) * 65536, bits: 16 })),
  ...Array.from({ length: 256 }, (_, i) => ({ base: (10 * 256 + 200) * 65536 + i * 256, bits: 24 })),
];

/** The first subnet that overlaps none of those in use. @throws RpcError FailedPrecondition where there is none */
export function freeSubnet(used: readonly Subnet[]): Subnet {
  const free = candidates.find((candidate) => !used.some((other) => overlap(candidate, other)));
  if (!free)
    throw conflict(
      "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
    );
  return free;
}

/** Subnets that this machine has routes to, without the default route. */
export async function routedSubnets(): Promise<Subnet[]> {
  return parseRoutes(await readFile("/proc/net/route", "utf8"));
}

/** Reads /proc/net/route: destination and mask are hexadecimal in the machine's (little-endian) byte order. */
export function parseRoutes(text: string): Subnet[] {
  const result: Subnet[] = [];
  for (const line of text.split("\n").slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [, destination, , , , , , mask] = fields;
    if (!destination || !mask || mask === "00000000") continue;
    const bits = 32 - Math.log2(2 ** 32 - swap(mask));
    const base = swap(destination);
    if (Number.isInteger(bits)) result.push({ base: base - (base % sizeOf(bits)), bits });
  }
  return result;
}

function swap(hex: string): number {
  return (hex.match(/../g) ?? []).reverse().reduce((sum, byte) => sum * 256 + Number.parseInt(byte, 16), 0);
}
