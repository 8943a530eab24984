import { readdirSync, readlinkSync } from "node:fs";

/**
 * Picks, of this process's open descriptors, those that its parent gave it beyond the standard three.
 * Bun and Node mark all of them close-on-exec when they start, so the flag says nothing; but they were there
 * before the JS runtime opened its own (event polls, io_uring, event counters, pipes with both ends here), so all
 * below the first event poll are inherited, and above it all that are of another kind.
 * @param links target of /proc/self/fd/N by N
 */
export function inheritedDescriptors(links: ReadonlyMap<number, string>): number[] {
  const numbers = [...links.keys()].filter((fd) => fd > 2).sort((a, b) => a - b);
  const firstOwn = numbers.find((fd) => links.get(fd) === "anon_inode:[eventpoll]") ?? Number.POSITIVE_INFINITY;
  return numbers.filter((fd) => {
    const target = links.get(fd) ?? "";
    if (fd < firstOwn) return true;
    return !target.startsWith("anon_inode:") && !(target.startsWith("pipe:") && occursTwice(target, links));
  });
}

function occursTwice(target: string, links: ReadonlyMap<number, string>): boolean {
  let count = 0;
  for (const other of links.values()) count += other === target ? 1 : 0;
  return count > 1;
}

/** The target of every open descriptor of this process, by number. */
export function openDescriptors(): Map<number, string> {
  const links = new Map<number, string>();
  for (const name of readdirSync("/proc/self/fd")) {
    try {
      links.set(Number(name), readlinkSync(`/proc/self/fd/${name}`));
    } catch {
      // the descriptor that read the directory is closed again
    }
  }
  return links;
}
