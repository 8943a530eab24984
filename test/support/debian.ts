import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { run } from "@gantry/testkit";

const cache = join(import.meta.dirname, "../../build/rootfs");

/**
 * A tar of a Debian root file system with redis, made once by debootstrap from the mirror that this machine's apt uses.
 */
export async function debianRedisRootfs(): Promise<string> {
  const tar = join(cache, "debian-redis.tar");
  if (existsSync(tar)) return tar;
  await mkdir(cache, { recursive: true });
  const directory = join(cache, `debian.${process.pid}`);
  try {
    await must("debootstrap", [
      "--variant=minbase",
      "--include=redis-server",
      "bookworm",
      directory,
      await aptMirror(),
    ]);
    await must("tar", [
      "-C",
      directory,
      "--numeric-owner",
      "--exclude=./dev/*",
      "--exclude=./proc/*",
      "--exclude=./var/cache/apt/archives/*.deb",
      "-cf",
      `${tar}.new`,
      ".",
    ]);
    await rename(`${tar}.new`, tar);
  } finally {
    await run("rm", ["-rf", "--one-file-system", directory]);
  }
  return tar;
}

async function aptMirror(): Promise<string> {
  const { stdout } = await run("apt-get", ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]);
  const [first] = stdout.split("\n");
  if (!first) throw new Error("apt knows no mirror: run apt-get update");
  return first;
}

async function must(command: string, args: readonly string[]): Promise<void> {
  const result = await run(command, args, { timeoutMs: 5 * 60_000 });
  if (result.code !== 0)
    throw new Error(`${command} ended with ${result.code}: ${result.stderr || result.stdout.slice(-1000)}`);
}
