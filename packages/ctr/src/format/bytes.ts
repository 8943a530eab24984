const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** A size as ctr shows it: 2.0 MiB, 369.0 B. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${value.toFixed(1)} ${units[unit]}`;
}
