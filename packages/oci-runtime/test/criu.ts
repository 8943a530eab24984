import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Runtime } from "./oracle/runtime.ts";

/** Why CRIU does not work on this kernel; false where it does. */
export function criuReason(): string | false {
  try {
    execFileSync("criu", ["check"], { stdio: "pipe" });
    return false;
  } catch (error) {
    const reason = String((error as { stderr?: Buffer }).stderr)
      .split("\n")
      .find((line) => line.includes("Error"));
    return `criu does not work on this kernel (${reason?.trim()}): tools/vm has one where it does`;
  }
}

/** A program that counts in a file of its root, whose memory it takes to go on. */
export const counter = "i=0; while :; do i=$((i+1)); echo $i > /tmp/count; sleep 0.05; done";

/** How far the counter is. */
export function count(runtime: Runtime): number {
  return Number(readFileSync(join(runtime.bundle, "rootfs/tmp/count"), "utf8"));
}
