import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Test, test } from "tap";

const root = join(import.meta.dirname, "../..");
const skip =
  process.geteuid?.() !== 0
    ? "needs root"
    : existsSync("/usr/bin/qemu-system-x86_64")
      ? false
      : "needs qemu-system-x86";

/** What is run in the guest, where every process takes several times as long: what the version of cgroups matters to. */
const files = ["systemd", "cgroup2"].map((name) => `packages/oci-runtime/test/${name}.test.ts`);

/** A guest that is short of processor time is slow, not broken. */
const limitSeconds = 400;

interface Outcome {
  readonly name: string;
  readonly ok: boolean;
  /** Why it was skipped. */
  readonly skipped: string | undefined;
  /** What its assertions said. */
  readonly words: string;
}

test("the runtime on pure cgroup v2 under systemd, in a virtual machine", { skip }, async (t) => {
  t.setTimeout((limitSeconds + 240) * 1000);
  const script = files.map((file) => `echo "#file ${file}"; node --disable-warning=ExperimentalWarning ${file} 2>&1`);
  const output = await runInGuest(["sh", "-c", `export TAP_TIMEOUT=${limitSeconds}; ${script.join("; ")}`]);
  for (const [name, text] of sections(output.stdout)) {
    await t.test(name, async (t) => report(t, outcomes(text), text));
  }
  t.equal(sections(output.stdout).length, files.length, `every file was run\n${output.stderr}`);
});

function report(t: Test, tests: readonly Outcome[], text: string): void {
  t.ok(tests.length > 0, `the file ran:\n${tests.length > 0 ? "" : text}`);
  for (const { name, ok, skipped, words } of tests) {
    if (skipped !== undefined) t.pass(name, { skip: skipped });
    else t.ok(ok, ok ? name : `${name}\n${words}`);
  }
}

function runInGuest(command: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const args = ["--systemd", "--timeout", String(limitSeconds), "--", ...command];
  const child = spawn(join(root, "tools/vm"), args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
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
  let words = "";
  for (const line of tap.split("\n")) {
    const match = /^(not )?ok \d+ - (.*?)(?: # time=\S+)?(?: # SKIP ?(.*))?$/.exec(line);
    if (match) {
      found.push({ name: match[2] ?? "", ok: match[1] === undefined, skipped: match[3], words });
      words = "";
    } else words += `${line}\n`;
  }
  return found;
}
