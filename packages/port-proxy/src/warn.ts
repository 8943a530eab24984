import { writeSync } from "node:fs";

/** One line on standard error; nothing when that is closed. */
export function warn(message: string): void {
  try {
    writeSync(2, `port-proxy: ${message}\n`);
  } catch {
    // closed, or full: what is served matters more
  }
}
