import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { type Config, cannotRun, olderRunc, Runtime, unlikeRunc } from "./runtime.ts";

const look = [
  "echo $(id -u):$(id -g):$(id -G)",
  "grep -oE 'core file size +[0-9]+ +[0-9]+' /proc/self/limits",
  "grep Cap /proc/self/status",
  "cat /proc/self/oom_score_adj",
];
const command = ["sh", "-c", look.join("; ")];
const score = Number(readFileSync("/proc/self/oom_score_adj", "utf8")) + 5;

/** Output of the command with the rest from the container's process; `caps` is the bits of CAP_CHOWN and CAP_KILL. */
function seen(ids: string, { soft = 111, hard = 222, caps = 0x21 } = {}): string {
  const set = caps.toString(16).padStart(16, "0");
  const sets = ["Inh", "Prm", "Eff", "Bnd", "Amb"].map((name) => `Cap${name}:\t${set}\n`);
  return `${ids}\ncore file size ${soft} ${hard}\n${sets.join("")}${score}\n`;
}

function configure(config: Config): void {
  const names = ["CAP_CHOWN", "CAP_KILL"];
  Object.assign(config.process, {
    user: { uid: 5, gid: 6, additionalGids: [7, 8], umask: 0o27 },
    rlimits: [{ type: "RLIMIT_CORE", soft: 111, hard: 222 }],
    capabilities: { bounding: names, effective: names, permitted: names, inheritable: names, ambient: names },
    oomScoreAdj: score,
  });
}

/** Properties that a process of `exec` has in common with the container's own. */
export function execInherits(program: string): void {
  const skip = cannotRun(program) || unlikeRunc(program);
  const older = skip || olderRunc(program, 1.2);

  test("exec: what no flag names is as in the container's own process", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000", configure);
    const id = await runtime.runDetached();
    t.equal(await output(runtime, [id, ...command]), seen("5:6:6 7 8"));
    t.equal(await output(runtime, ["-u", "9", id, ...command]), seen("9:6:6 7 8"));
    t.equal(await output(runtime, ["-u", "9:10", "-g", "11", id, ...command]), seen("9:10:10 7 8 11"));
  });

  test("exec: the umask is that of the container's process", { skip: older }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000", configure);
    const id = await runtime.runDetached();
    t.equal(await output(runtime, [id, "sh", "-c", "umask"]), "0027\n");
    t.equal(await output(runtime, ["-u", "9", id, "sh", "-c", "umask"]), "0027\n");
    t.equal(await byFile(runtime, id, { args: ["/bin/sh", "-c", "umask"] }), "0027\n");
  });

  test("exec: what a process file leaves out is as in the container's own process", { skip: older }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000", configure);
    const id = await runtime.runDetached();
    t.equal(await byFile(runtime, id, {}), seen("9:10:10"));
    t.equal(await byFile(runtime, id, { rlimits: [], selinuxLabel: "", apparmorProfile: "" }), seen("9:10:10"));
    t.equal(await byFile(runtime, id, { user: { uid: 9, gid: 10, additionalGids: [11] } }), seen("9:10:10 11"));
    t.equal(await byFile(runtime, id, { capabilities: {} }), seen("9:10:10", { caps: 0 }), "none is a value");
    const rlimits = [{ type: "RLIMIT_CORE", soft: 50, hard: 60 }];
    t.equal(await byFile(runtime, id, { rlimits }), seen("9:10:10", { soft: 50, hard: 60 }));
  });
}

async function output(runtime: Runtime, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await runtime.cli("exec", ...args);
  return stdout.replace(/ +/g, " ") + stderr;
}

function byFile(runtime: Runtime, id: string, change: object): Promise<string> {
  const file = join(runtime.directory, "process.json");
  const process = { cwd: "/", args: command, env: ["PATH=/bin"], user: { uid: 9, gid: 10 }, ...change };
  writeFileSync(file, JSON.stringify(process));
  return output(runtime, ["-p", file, id]);
}
