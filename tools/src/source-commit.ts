import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { paths } from "./paths.ts";

const run = promisify(execFile);

/** The commit of the checkout, with "-dirty" where files differ from it; empty outside a checkout. */
export async function sourceCommit(): Promise<string> {
  try {
    const { stdout } = await run("git", ["describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"], {
      cwd: paths.root,
    });
    return stdout.trim();
  } catch {
    return "";
  }
}
