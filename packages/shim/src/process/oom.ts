import { readFileSync } from "node:fs";

/** The kernel's count of processes of one cgroup that were killed for lack of memory. */
export class OomCounter {
  readonly #path: string | undefined;
  #last = 0;

  /** Finds the cgroup of a process that is alive; where there is no memory controller the count stays 0. */
  constructor(pid: number) {
    this.#path = counterPath(pid);
    this.#last = this.#read();
  }

  /** True when the kernel has killed since the last time. */
  increased(): boolean {
    const before = this.#last;
    this.#last = this.#read();
    return this.#last > before;
  }

  #read(): number {
    if (!this.#path) return 0;
    try {
      return Number(/^oom_kill (\d+)$/m.exec(readFileSync(this.#path, "latin1"))?.[1] ?? 0);
    } catch {
      return 0; // the cgroup is gone
    }
  }
}

/** cgroups(7): lines of /proc/PID/cgroup are `hierarchy:controllers:path`; v2's is `0::path`. */
function counterPath(pid: number): string | undefined {
  let lines: string[];
  try {
    lines = readFileSync(`/proc/${pid}/cgroup`, "latin1").split("\n");
  } catch {
    return undefined; // it has ended
  }
  const v1 = lines.find((line) => line.split(":")[1]?.split(",").includes("memory"));
  if (v1) return `/sys/fs/cgroup/memory${pathOf(v1)}/memory.oom_control`;
  const v2 = lines.find((line) => line.startsWith("0::"));
  return v2 && `/sys/fs/cgroup${pathOf(v2)}/memory.events`;
}

function pathOf(line: string): string {
  return line.split(":").slice(2).join(":");
}
