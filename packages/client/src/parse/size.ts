const multipliers: Readonly<Record<string, number>> = {
  "": 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};

/**
 * Bytes of a memory size as command lines have it, in powers of 1024: 512m, 1.5g, 64kib, 1024.
 * @throws Error `invalid size: 'x'`
 */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kKmMgGtTpP]?)(?:[iI]?[bB])?$/.exec(text);
  const multiplier = multipliers[match?.[2]?.toLowerCase() ?? ""];
  const bytes = Math.floor(Number(match?.[1]) * (multiplier ?? Number.NaN));
  if (!Number.isSafeInteger(bytes)) throw new Error(`invalid size: '${text}'`);
  return bytes;
}

/** The same, where -1 means without a limit. */
export function parseBytesOrUnlimited(text: string): number {
  return text === "-1" ? -1 : parseBytes(text);
}

/**
 * A number of CPUs in billionths: 1.5 → 1500000000.
 * @throws Error
 */
export function parseNanoCpus(text: string): number {
  if (!/^\d*\.?\d+$|^\d+\.$/.test(text)) throw new Error(`failed to parse ${text} as a rational number`);
  const nanos = Number(text) * 1e9;
  if (Math.abs(nanos - Math.round(nanos)) > 1e-6 * Math.max(1, nanos)) throw new Error("value is too precise");
  return Math.round(nanos);
}
