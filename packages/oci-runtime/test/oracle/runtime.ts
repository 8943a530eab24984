import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import {
  type RunResult,
  run,
  type StartOptions,
  start,
  type TempDir,
  type TestProcess,
  tempDir,
} from "@gantry/testkit";

const busybox = "/bin/busybox";

/** The parts of config.json that the tests change. */
export interface Config {
  process: Record<string, unknown> & { args: string[]; terminal: boolean };
  linux: Record<string, unknown> & { resources?: Record<string, unknown> };
  mounts: { destination: string; type: string; source: string; options?: string[] }[];
  [name: string]: unknown;
}

export interface State {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: string;
  readonly pid: number;
  readonly bundle: string;
}

/** Why the suite cannot run; undefined when it can. */
export function cannotRun(program: string): string | undefined {
  if (process.geteuid?.() !== 0) return "needs root";
  if (!existsSync(busybox)) return `needs ${busybox} (Debian: busybox-static)`;
  return existsSync(program) ? undefined : `needs ${program}`;
}

/**
 * Why a test of runc's flags, tables or messages does not apply to this runtime; false where it does.
 * crun has runc's commands, with flags and messages of its own.
 */
export function unlikeRunc(program: string): string | false {
  return basename(program) === "crun" ? "crun's flags, tables and messages differ here" : false;
}

/** Why a test of newer behaviour does not apply to this runtime; false where it does. @param version as 1.2 */
export function olderRunc(program: string, version: number): string | false {
  if (basename(program) !== "runc" || !existsSync(program)) return false;
  const own = /version (\d+\.\d+)/.exec(execFileSync(program, ["--version"], { encoding: "utf8" }))?.[1];
  return Number(own) < version ? `runc does this from ${version} on, and this is ${own}` : false;
}

export function isRunc(program: string): boolean {
  return basename(program) === "runc";
}

let count = 0;

/** A runtime's command line with a root directory and a bundle of its own; everything is gone at the end of the scope. */
export class Runtime implements AsyncDisposable {
  readonly program: string;
  readonly bundle: string;
  readonly root: string;
  readonly directory: string;
  readonly #directory: TempDir = tempDir("oracle");
  readonly #base: Config;

  constructor(program: string) {
    this.program = program;
    this.directory = this.#directory.path;
    this.root = join(this.directory, "root");
    this.bundle = join(this.directory, "bundle");
    makeRootfs(join(this.bundle, "rootfs"));
    execFileSync(program, ["spec", "--bundle", this.bundle]);
    this.#base = JSON.parse(readFileSync(this.#config, "utf8"));
  }

  get #config(): string {
    return join(this.bundle, "config.json");
  }

  /** An id of this run alone: cgroups bear it. */
  newId(): string {
    return `oracle-${process.pid}-${count++}`;
  }

  /** Writes config.json: the runtime's own example, without a terminal, running a shell script. */
  configure(script: string, change: (config: Config) => void = () => undefined): void {
    const config = structuredClone(this.#base);
    config.process.terminal = false;
    config.process.args = ["sh", "-c", script];
    config["root"] = { path: "rootfs", readonly: false };
    change(config);
    writeFileSync(this.#config, JSON.stringify(config));
  }

  /** Runs one command to its end, without streams that a container could keep open: what it says is in files. */
  cli(...args: string[]): Promise<RunResult> {
    return run(this.program, ["--root", this.root, ...args], { cwd: this.bundle });
  }

  start(args: readonly string[], options: StartOptions = {}): TestProcess {
    return start(this.program, ["--root", this.root, ...args], { cwd: this.bundle, ...options });
  }

  /** Through a shell, as `"$R" COMMAND`, for redirections and the like. */
  sh(script: string): Promise<RunResult> {
    const { program, root } = this;
    return run("sh", ["-c", `r() { ${program} --root ${root} "$@"; }; ${script}`], { cwd: this.bundle });
  }

  /** Starts a container in the background; its output goes to the file "out" of the directory. */
  async runDetached(id = this.newId(), ...flags: string[]): Promise<string> {
    const out = join(this.directory, "out");
    const { code, stderr } = await this.sh(
      `r run -d ${flags.join(" ")} ${id} >${out} 2>&1 </dev/null || { cat ${out} >&2; exit 1; }`,
    );
    if (code !== 0) throw new Error(`run -d ${id}: ${stderr}`);
    return id;
  }

  output(): string {
    return readFileSync(join(this.directory, "out"), "utf8");
  }

  async state(id: string): Promise<State> {
    const { stdout, stderr } = await this.cli("state", id);
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout);
  }

  async status(id: string): Promise<string> {
    return (await this.state(id)).status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { stdout } = await this.cli("list", "-q");
    const failed: string[] = [];
    for (const id of stdout.split("\n").filter(Boolean)) {
      const { code, stderr } = await this.cli("delete", "--force", id);
      if (code !== 0) failed.push(stderr);
    }
    rmSync(this.root, { recursive: true, force: true });
    await this.#directory[Symbol.asyncDispose]();
    if (failed.length > 0) throw new Error(`deleting what was left: ${failed.join("")}`);
  }
}

function makeRootfs(rootfs: string): void {
  for (const name of ["bin", "dev", "etc", "proc", "sys", "tmp", "root"])
    mkdirSync(join(rootfs, name), { recursive: true });
  copyFileSync(busybox, join(rootfs, "bin/busybox"));
  for (const name of execFileSync(busybox, ["--list"], { encoding: "utf8" }).trim().split("\n"))
    if (name !== "busybox") symlinkSync("busybox", join(rootfs, "bin", name));
  writeFileSync(join(rootfs, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n");
}

/** The file of a cgroup controller of a process, whichever version has it. */
export function cgroupFile(pid: number, controller: string, first: string, second: string): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const own = lines.find(([, names = ""]) => names.split(",").includes(controller));
  if (own) return readFileSync(`/sys/fs/cgroup/${own[1]}${own[2]}/${first}`, "utf8").trim();
  const unified = lines.find(([number]) => number === "0");
  return readFileSync(`/sys/fs/cgroup${unified?.[2]}/${second}`, "utf8").trim();
}
