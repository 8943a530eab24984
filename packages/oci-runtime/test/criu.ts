import { execFileSync } from "node:child_process";

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
