import { readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path/posix";

const fileName = "descriptors.json";
const standard = [0, 1, 2] as const;

/**
 * The standard streams of a process, as CRIU names external files: "pipe:[7]", "file[1a:2b]";
 * empty for one of the container's own. They are kept with the images: a restore replaces them.
 */
export function streamsOf(pid: number): string[] {
  const mounts = new Set(
    readFileSync(`/proc/${pid}/mountinfo`, "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split(" ")[0]),
  );
  return standard.map((fd) => {
    const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
    if (target.startsWith("pipe:")) return target;
    const mount = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))?.[1];
    if (!target.startsWith("/") || mount === undefined || mounts.has(mount)) return "";
    const { ino } = statSync(`/proc/${pid}/fd/${fd}`);
    return `file[${Number(mount).toString(16)}:${ino.toString(16)}]`;
  });
}

/** Streams that a dump must declare as external. */
export function externalFiles(streams: readonly string[]): string[] {
  return [...new Set(streams.filter((name) => name.startsWith("file[")))];
}

export function saveStreams(directory: string, streams: readonly string[]): void {
  writeFileSync(join(directory, fileName), JSON.stringify(streams), { mode: 0o600 });
}

/** The streams of an image, each with the descriptor of CRIU's that takes its place. */
export function inheritedStreams(directory: string): { key: string; fd: number }[] {
  const names: unknown = JSON.parse(readFileSync(join(directory, fileName), "utf8"));
  if (!Array.isArray(names)) throw new Error(`${join(directory, fileName)} is not a list`);
  return names.flatMap((name: unknown, fd) =>
    typeof name === "string" && /^(pipe:|file)\[/.test(name) ? [{ key: name, fd }] : [],
  );
}
