import { readFileSync } from "node:fs";
import { join } from "node:path";
import { embeddedAsset } from "@gantry/addon-loader";
import { nativeSys, sealedProgram } from "@gantry/native-sys";
import { inheritedDescriptors, openDescriptors } from "./descriptors.ts";

/**
 * Replaces this process by the static tini: same process id, nothing of its JS runtime left.
 * The program stands in a sealed memory file, so it needs no file system and cannot be changed while it runs.
 * @param name tini's argv[0]
 * @param args its command line without the name
 * @throws Error when the memory file cannot be made or executed
 */
export function become(name: string, args: readonly string[]): never {
  const native = nativeSys();
  for (const fd of inheritedDescriptors(openDescriptors())) native.setCloseOnExec(fd, false);
  const program = sealedProgram(native, "tini", staticTini());
  resetIgnoredSignals();
  if (!process.execve) throw new Error("this JS runtime cannot replace itself (it has no process.execve)");
  return process.execve(`/proc/self/fd/${program}`, [name, ...args]);
}

function staticTini(): Uint8Array {
  return embeddedAsset("tini-static") ?? readFileSync(join(import.meta.dirname, "../build/tini-static"));
}

/** Bun and Node ignore these two, and ignored signals stay ignored over execve(2), while handled ones become the default. */
function resetIgnoredSignals(): void {
  process.on("SIGPIPE", () => {});
  process.on("SIGXFSZ", () => {});
}
