import { closeSync, openSync, readFileSync, readSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path/posix";
import { POLLIN } from "@gantry/native-sys";
import type { CgroupPaths } from "../../cgroup/types.ts";
import type { Host } from "../../host.ts";

/** On version 1 the kernel announces lack of memory before it kills for it: the count is looked at again for a while. */
const lookAgainMs = [0, 25, 100, 400];

/**
 * Reports each time that the kernel has killed a process of a container for lack of memory.
 * @returns a function that stops the watch; without a memory controller nothing is reported
 */
export function watchOom(host: Host, paths: CgroupPaths, onOom: () => void): () => void {
  const { mode, hierarchies } = host.facts.cgroup;
  const memory = hierarchies.find(({ controllers }) => mode === "v2" || controllers.includes("memory"));
  const directory = memory && paths[memory.name];
  if (!directory) return () => undefined;
  const file = join(directory, memory.version === 1 ? "memory.oom_control" : "memory.events");
  let killed = killsIn(file);
  const look = () => {
    const now = killsIn(file);
    if (now > killed) onOom();
    killed = Math.max(killed, now);
  };
  return memory.version === 1 ? announced(host, directory, look) : changed(file, look);
}

function killsIn(file: string): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(file, "latin1"))?.[1] ?? 0);
  } catch {
    return 0; // The container is gone.
  }
}

function changed(file: string, look: () => void): () => void {
  const watcher = watch(file, { persistent: false }, look);
  watcher.on("error", () => watcher.close());
  return () => watcher.close();
}

/** Version 1 counts an eventfd up at every lack of memory, and at the cgroup's end (memcg's cgroup.event_control). */
function announced({ native }: Host, directory: string, look: () => void): () => void {
  const event = native.eventFd();
  const control = openSync(join(directory, "memory.oom_control"), "r");
  writeFileSync(join(directory, "cgroup.event_control"), `${event} ${control}`);
  closeSync(control);
  const poll = native.watchFd(event, POLLIN, () => {
    readSync(event, Buffer.alloc(8));
    for (const wait of lookAgainMs) setTimeout(look, wait).unref();
  });
  return () => {
    poll.close();
    closeSync(event);
  };
}
