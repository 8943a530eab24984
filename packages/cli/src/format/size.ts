const decimalUnits = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

function scaled(bytes: number, base: number, units: readonly string[]): [number, string] {
  let value = bytes;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return [value, units[unit] as string];
}

/** A size in powers of 1000 with so many significant digits: 1.24MB, 742kB, 0B. */
export function humanSize(bytes: number, digits = 4): string {
  const [value, unit] = scaled(bytes, 1000, decimalUnits);
  return general(value, digits) + unit;
}

/** A size in powers of 1024: 512MiB. */
export function binarySize(bytes: number): string {
  const [value, unit] = scaled(bytes, 1024, binaryUnits);
  return general(value, 4) + unit;
}

/** %.<digits>g: significant digits without trailing zeros. */
function general(value: number, digits: number): string {
  return String(Number(value.toPrecision(digits)));
}
