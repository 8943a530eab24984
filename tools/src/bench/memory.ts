import { readdirSync, readFileSync } from "node:fs";

/** Private dirty memory of a process in MB (smaps_rollup, proc(5)): what it costs beside what it shares. */
export function privateDirty(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kilobytes = Number(/^Private_Dirty:\s+(\d+) kB/m.exec(text)?.[1] ?? Number.NaN);
  return kilobytes / 1000;
}

/** Processes whose first argument ends in `name` and whose command line or environment mentions `marker`. */
export function processesNamed(name: string, marker: string): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        const args = readFileSync(`/proc/${entry}/cmdline`, "utf8").split("\0");
        const about = args.join(" ") + readFileSync(`/proc/${entry}/environ`, "utf8");
        return (args[0] ?? "").split("/").pop() === name && about.includes(marker);
      } catch {
        return false;
      }
    })
    .map(Number);
}
