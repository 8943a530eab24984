import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { bundleForGuest } from "./guest-bundle.ts";

const root = join(import.meta.dirname, "../..");

/** Why no guest can be started; false where one can. */
export const cannotBoot =
  process.geteuid?.() !== 0
    ? "needs root"
    : existsSync("/usr/bin/qemu-system-x86_64")
      ? false
      : "needs qemu-system-x86";

/** Kernel modules that tests and CRIU use: nothing in the guest loads them on demand. */
const modules = [
  ...["crc32c_generic", "nf_tables", "nf_conntrack", "nf_conntrack_netlink", "veth", "tun", "macvlan"],
  ...["unix_diag", "tcp_diag", "udp_diag", "raw_diag", "netlink_diag", "af_packet_diag"],
];

/** A shell command that loads them. */
const loadModules = `for m in ${modules.join(" ")}; do busybox modprobe $m; done`;

interface Outcome {
  readonly name: string;
  readonly ok: boolean;
  /** Why it was skipped. */
  readonly skipped: string | undefined;
  /** Output of its assertions. */
  readonly output: string;
}

/** One test for each of those that a file had in the guest. */
function report(t: Test, tests: readonly Outcome[], text: string): void {
  t.ok(tests.length > 0, `the file ran:\n${tests.length > 0 ? "" : text}`);
  for (const { name, ok, skipped, output } of tests) {
    if (skipped !== undefined) t.pass(name, { skip: skipped });
    else t.ok(ok, ok ? name : `${name}\n${output}`);
  }
}

export interface GuestOptions {
  /** systemd is its first process. */
  readonly systemd: boolean;
  readonly limitSeconds: number;
}

/** Boots a guest, runs a command in it and returns what that wrote. */
function runInGuest(
  command: readonly string[],
  { systemd, limitSeconds }: GuestOptions,
): Promise<{ stdout: string; stderr: string }> {
  const args = [...(systemd ? ["--systemd"] : []), "--timeout", String(limitSeconds), "--", ...command];
  // One thread's work for minutes: what runs beside it has the other processors, and must not make the guest the last.
  const program = ["-n", "-5", join(root, "tools/vm"), ...args];
  const child = spawn("nice", program, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const texts = { stdout: "", stderr: "" };
  child.stdout.on("data", (data: Buffer) => {
    texts.stdout += data.toString();
  });
  child.stderr.on("data", (data: Buffer) => {
    texts.stderr += data.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve(texts));
  });
}

/** A test file of the runtime's, and the environment that it is run in, such as "RUNTIME=/usr/bin/crun". */
export interface GuestFile {
  readonly name: string;
  readonly environment?: string;
}

/** Boots a guest, runs test files of the runtime's in it one after the other, and reports their tests as this one's. */
export async function testInGuest(t: Test, files: readonly GuestFile[], options: GuestOptions): Promise<void> {
  const { limitSeconds } = options;
  // Longer than two boots, each with its own limit, and the command.
  t.setTimeout((limitSeconds + 240) * 1000);
  const bundles = await bundleForGuest([...new Set(files.map(({ name }) => name))]);
  const commands = files.map(({ name, environment = "" }) => {
    const title = `#file ${name} ${environment}`.trim();
    return `echo "${title}"; ${environment} node ${bundles.get(name)} 2>&1`;
  });
  const script = [loadModules, "ip link set lo up", `export TAP_TIMEOUT=${limitSeconds}`, ...commands].join("; ");
  const { stdout, stderr } = await runInGuest(["sh", "-c", script], options);
  const found = sections(stdout);
  for (const [name, text] of found) await t.test(name, async (t) => report(t, outcomes(text), text));
  t.equal(found.length, files.length, `every file was run\n${stderr}`);
}

/** The output of each file, by its name. */
function sections(output: string): [name: string, text: string][] {
  return output
    .split(/^#file /m)
    .slice(1)
    .map((part) => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n") + 1)]);
}

/** The top-level tests of a file's TAP, each with what stands before its result. */
function outcomes(tap: string): Outcome[] {
  const found: Outcome[] = [];
  let output = "";
  for (const line of tap.split("\n")) {
    const match = /^(not )?ok \d+ - (.*?)(?: # time=\S+)?(?: # SKIP ?(.*))?$/.exec(line);
    if (match) {
      found.push({ name: match[2] ?? "", ok: match[1] === undefined, skipped: match[3], output });
      output = "";
    } else output += `${line}\n`;
  }
  return found;
}
