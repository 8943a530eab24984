import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { delimiter, join } from "node:path";
import { distBin } from "./paths.ts";

/** A requirement of a test on the machine. `tool:NAME` is a command on PATH, `binary:NAME` a binary of the build. */
export type Requirement =
  | "root"
  | "overlay"
  | "cgroup1"
  | "cgroup2"
  | "userns"
  | "ipv6"
  | "sctp"
  | `tool:${string}`
  | `binary:${string}`
  | `file:${string}`
  | `kernel:${number}.${number}`;

/** The part of a test that is needed to skip it. */
export interface Skippable {
  plan(count: number, reason?: string): void;
}

/**
 * Skips the test, with the reason shown, unless the machine has all of these. Call it first and return when it is false.
 * @example if (!requires(t, "root", "tool:runc")) return;
 */
export function requires(t: Skippable, ...needs: readonly Requirement[]): boolean {
  const reason = missing(...needs);
  if (reason) t.plan(0, reason);
  return !reason;
}

/** The reason for a test's `skip` option; false when nothing is missing. */
export function missing(...needs: readonly Requirement[]): string | false {
  const reasons = needs.map(reasonAgainst).filter((reason) => reason !== undefined);
  return reasons.length > 0 && `needs ${reasons.join(", ")}`;
}

const checks: Readonly<Record<string, (name: string) => string | undefined>> = {
  root: () => unless(process.getuid?.() === 0, "root"),
  overlay: () => unless(lists("/proc/filesystems", /\boverlay$/m), "overlayfs in the kernel"),
  cgroup1: () => unless(lists("/proc/self/mountinfo", / - cgroup .*\bpids\b/m), "cgroup v1 controllers"),
  cgroup2: () =>
    unless(existsSync("/sys/fs/cgroup/cgroup.controllers"), "cgroup v2 with its controllers at /sys/fs/cgroup"),
  userns: () => unless(existsSync("/proc/self/ns/user"), "user namespaces"),
  ipv6: () => unless(existsSync("/proc/net/if_inet6"), "IPv6"),
  sctp: () => unless(lists("/proc/net/protocols", /^SCTP\b/m), "SCTP in the kernel"),
  tool: (name) => unless(hasTool(name), `the command ${name}`),
  binary: (name) => unless(existsSync(join(distBin, name)), `dist/bin/${name} (tools/build makes it)`),
  file: (path) => unless(existsSync(path), path),
  kernel: (version) => unless(kernelIsAtLeast(version), `Linux ${version}`),
};

function reasonAgainst(need: Requirement): string | undefined {
  const colon = need.indexOf(":");
  const [kind, name] = colon < 0 ? [need, ""] : [need.slice(0, colon), need.slice(colon + 1)];
  const check = checks[kind];
  if (!check) throw new Error(`unknown requirement ${need}: one of ${Object.keys(checks).join(", ")}`);
  return check(name);
}

function unless(holds: boolean, what: string): string | undefined {
  return holds ? undefined : what;
}

function lists(path: string, pattern: RegExp): boolean {
  return existsSync(path) && pattern.test(readFileSync(path, "utf8"));
}

function hasTool(name: string): boolean {
  const directories = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return directories.some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function kernelIsAtLeast(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [ownMajor = 0, ownMinor = 0] = release().split(/[.-]/).map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
