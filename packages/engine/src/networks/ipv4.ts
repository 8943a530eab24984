/** IPv4 addresses as numbers, networks as base and prefix length. */

export interface Subnet {
  /** First address of the network. */
  readonly base: number;
  readonly bits: number;
}

/** @returns undefined for text that is not an IPv4 address */
export function parseAddress(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  const parts = match.slice(1).map(Number);
  if (parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

/** Reads a.b.c.d/n; the address may be any of the network. undefined for any other text. */
export function parseCidr(text: string): { subnet: Subnet; address: number } | undefined {
  const [head = "", tail = ""] = text.split("/");
  const address = parseAddress(head);
  if (address === undefined || !/^\d{1,2}$/.test(tail) || Number(tail) > 32) return undefined;
  const bits = Number(tail);
  return { address, subnet: { base: address - (address % sizeOf(bits)), bits } };
}

export function formatSubnet(subnet: Subnet): string {
  return `${formatAddress(subnet.base)}/${subnet.bits}`;
}

/** The number of addresses that a prefix length spans. */
export function sizeOf(bits: number): number {
  return 2 ** (32 - bits);
}

export function contains(subnet: Subnet, address: number): boolean {
  return address >= subnet.base && address < subnet.base + sizeOf(subnet.bits);
}

export function overlap(a: Subnet, b: Subnet): boolean {
  return contains(a, b.base) || contains(b, a.base);
}

/** 02:42 and the four bytes of the address: the same address always has the same MAC address. */
export function macOf(address: number): string {
  const hex = address.toString(16).padStart(8, "0");
  return `02:42:${hex.match(/../g)?.join(":")}`;
}
