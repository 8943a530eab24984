import { execFileSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultCapabilities, exampleSpec, type Spec } from "@gantry/oci-spec/runtime";
import { distBin } from "@gantry/testkit";
import { cgroupManager } from "../src/cgroup/manager.ts";
import { cgroupPaths } from "../src/cgroup/paths.ts";
import { type Host, type HostOptions, loadHost, openHost } from "../src/host.ts";
import { type CreateRequest, createContainer } from "../src/run/create/create.ts";
import { deleteContainer } from "../src/run/delete.ts";
import { execInContainer } from "../src/run/exec.ts";
import { waitForExit } from "../src/run/launch/wait.ts";
import { startContainer } from "../src/run/start.ts";
import { Store } from "../src/state/store.ts";

const busybox = "/bin/busybox";
/** The standalone binary: what users run. */
export const program = join(distBin, "oci-runtime");

/** Why these tests cannot run here; undefined when they can. */
export function cannotRun(): string | undefined {
  if (process.geteuid?.() !== 0) return "needs root";
  return existsSync(busybox) ? undefined : `needs ${busybox} (Debian: busybox-static)`;
}

export interface Output {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A bundle of busybox and a private state directory; everything is gone at the end of the block. */
export class Box implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "oci-runtime-"));
  readonly bundle = join(this.directory, "bundle");
  readonly rootfs = join(this.bundle, "rootfs");
  readonly store = new Store(join(this.directory, "root"));
  readonly warnings: string[] = [];
  readonly host: Host;
  #count = 0;

  constructor(options: HostOptions = {}) {
    this.host = loadHost(openHost((message) => this.warnings.push(message), this.store.filters, options));
    for (const name of ["bin", "dev", "etc", "proc", "sys", "tmp"])
      mkdirSync(join(this.rootfs, name), { recursive: true });
    copyFileSync(busybox, join(this.rootfs, "bin/busybox"));
    for (const name of execFileSync(busybox, ["--list"], { encoding: "utf8" }).trim().split("\n"))
      if (name !== "busybox") symlinkSync("busybox", join(this.rootfs, "bin", name));
    writeFileSync(
      join(this.rootfs, "etc/passwd"),
      "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n",
    );
  }

  /** An id of this test run alone: cgroups bear it. */
  newId(): string {
    return `box-${process.pid}-${this.#count++}`;
  }

  /** Writes config.json: the example with the usual rights, without a terminal, running a shell script. */
  configure(
    script: string,
    change: (spec: Spec & Required<Pick<Spec, "process" | "linux" | "mounts">>) => void = () => {},
  ): void {
    const spec = exampleSpec({ pureCgroup2: true }) as Spec & Required<Pick<Spec, "process" | "linux" | "mounts">>;
    const capabilities = [...defaultCapabilities];
    spec.process = {
      ...spec.process,
      terminal: false,
      args: ["sh", "-c", script],
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    };
    change(spec);
    writeFileSync(join(this.bundle, "config.json"), JSON.stringify(spec));
  }

  request(id: string, stdio: [number, number, number]): CreateRequest {
    const { bundle } = this;
    return {
      id,
      bundle,
      stdio,
      preserve: [],
      consoleSocket: undefined,
      noPivot: false,
      newKeyring: true,
      sibling: false,
    };
  }

  /** Creates, starts, waits and deletes. */
  async run(change: Partial<CreateRequest> = {}): Promise<Output> {
    const id = this.newId();
    const streams = this.#streams();
    try {
      const { pid, pidFd } = await createContainer(this.host, this.store, {
        ...this.request(id, streams.stdio),
        ...change,
      });
      this.host.native.closeFd(pidFd);
      const ended = waitForExit(this.host, pid);
      await startContainer(this.host, this.store, id);
      const status = await ended;
      return { status, ...streams.read() };
    } finally {
      streams.close();
      await deleteContainer(this.host, this.store, { id, force: true });
    }
  }

  /** A container that has been started and goes on. */
  async start(
    change: Partial<CreateRequest> = {},
  ): Promise<{ id: string; pid: number; ended: Promise<number> } & AsyncDisposable> {
    const id = this.newId();
    const streams = this.#streams();
    const { pid, pidFd } = await createContainer(this.host, this.store, {
      ...this.request(id, streams.stdio),
      ...change,
    });
    this.host.native.closeFd(pidFd);
    const ended = waitForExit(this.host, pid);
    await startContainer(this.host, this.store, id);
    streams.close();
    return {
      id,
      pid,
      ended,
      [Symbol.asyncDispose]: async () => {
        await deleteContainer(this.host, this.store, { id, force: true });
        await ended;
      },
    };
  }

  async exec(id: string, script: string, change: object = {}): Promise<Output> {
    const streams = this.#streams();
    try {
      const process = { cwd: "/", args: ["sh", "-c", script], env: ["PATH=/bin"], ...change };
      const request = {
        id,
        process,
        stdio: streams.stdio,
        preserve: [],
        consoleSocket: undefined,
        sibling: false,
      };
      const { pid, pidFd, helperPid } = await execInContainer(this.host, this.store, request);
      this.host.native.closeFd(pidFd);
      await waitForExit(this.host, helperPid);
      return { status: await waitForExit(this.host, pid), ...streams.read() };
    } finally {
      streams.close();
    }
  }

  /** Ids on the host of a container's processes. */
  cgroupPids(id: string): number[] {
    return cgroupManager(this.host.facts, cgroupPaths(this.host.facts, undefined, id)).pids();
  }

  /** The command line, as its own process. */
  cli(args: readonly string[], options: { stdio?: "ignore" } = {}): Output {
    try {
      const stdout = execFileSync(program, ["--root", this.store.root, ...args], {
        encoding: "utf8",
        stdio: "pipe",
        cwd: this.bundle,
        ...options,
      });
      return { status: 0, stdout: stdout ?? "", stderr: "" };
    } catch (error) {
      const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
      return { status, stdout, stderr };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { id } of this.store.list()) await deleteContainer(this.host, this.store, { id, force: true });
    this.host.native.closeFd(this.host.initProgram);
    rmSync(this.directory, { recursive: true, force: true });
  }

  #streams() {
    const name = (stream: string) => join(this.directory, `${stream}-${this.#count++}`);
    const [out, err] = [name("stdout"), name("stderr")];
    const stdio: [number, number, number] = [openSync("/dev/null", "r"), openSync(out, "w"), openSync(err, "w")];
    let open = true;
    return {
      stdio,
      read: () => ({ stdout: readFileSync(out, "utf8"), stderr: readFileSync(err, "utf8") }),
      close: () => {
        if (open) for (const fd of stdio) closeSync(fd);
        open = false;
      },
    };
  }
}
