import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive, distBin, run, waitFor } from "@gantry/testkit";
import { type Host, peerHost, type Stack, startStack } from "../../../test/support/stack.ts";
import type { Command } from "./measure.ts";

/** Debian's docker, in a network and a directory of its own. */
export interface DockerSetting extends AsyncDisposable {
  command(...args: string[]): Command;
  readonly directory: string;
  /** Where it runs. */
  readonly host: Host;
}

/** Everything the rows measure against; the parts are made when a row first asks for them. */
export class Setting implements AsyncDisposable {
  #stack: Promise<Stack> | undefined;
  #host: Promise<Host> | undefined;
  #docker: Promise<DockerSetting | undefined> | undefined;
  #bundle: Promise<string> | undefined;
  readonly #cleanup: (() => Promise<unknown>)[] = [];

  stack(): Promise<Stack> {
    this.#stack ??= startStack().then((stack) => {
      this.#cleanup.push(async () => stack[Symbol.asyncDispose]());
      return stack;
    });
    return this.#stack;
  }

  /** Namespaces and a directory for what needs no stack. */
  host(): Promise<Host> {
    this.#host ??= peerHost("bench").then((host) => {
      this.#cleanup.push(async () => host[Symbol.asyncDispose]());
      return host;
    });
    return this.#host;
  }

  /** undefined when Debian's docker.io is not installed. */
  docker(): Promise<DockerSetting | undefined> {
    this.#docker ??= startDocker().then((docker) => {
      if (docker) this.#cleanup.push(async () => docker[Symbol.asyncDispose]());
      return docker;
    });
    return this.#docker;
  }

  /** A bundle that runs /bin/true with the default specification. */
  async bundle(): Promise<string> {
    this.#bundle ??= this.host().then(({ directory }) => makeBundle(join(directory, "bundle")));
    return this.#bundle;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const undo of this.#cleanup.reverse()) await undo();
  }
}

/** A command inside the namespaces of a process. */
export function inside(pid: number, argv: readonly string[], env: NodeJS.ProcessEnv = {}): Command {
  return { argv: ["nsenter", "-t", String(pid), "-n", "-m", "--", ...argv], env: { ...process.env, ...env } };
}

async function startDocker(): Promise<DockerSetting | undefined> {
  const present = await run("sh", ["-c", "test -x /usr/sbin/dockerd && test -x /usr/bin/docker"]);
  if (present.code !== 0) return undefined;
  const host = await peerHost("bench-docker");
  const socket = `unix://${host.directory}/d.sock`;
  const flags = [
    "--data-root",
    `${host.directory}/root`,
    "--exec-root",
    `${host.directory}/exec`,
    "--pidfile",
    `${host.directory}/pid`,
  ];
  host.startProcess("dockerd", ["-H", socket, ...flags]);
  const docker = `/usr/bin/docker -H ${socket}`;
  await waitFor(async () => (await host.sh(`${docker} version`)).code === 0, { timeoutMs: 30_000, what: "dockerd" });
  const loaded = await host.sh(`${docker} load -q -i ${await busyboxArchive(host.directory)}`);
  if (loaded.code !== 0) throw new Error(`docker load: ${loaded.stderr}`);
  return {
    directory: host.directory,
    host,
    command: (...args) => inside(host.namespaces.pid, ["/usr/bin/docker", "-H", socket, ...args]),
    [Symbol.asyncDispose]: async () => host[Symbol.asyncDispose](),
  };
}

async function makeBundle(directory: string): Promise<string> {
  mkdirSync(join(directory, "rootfs/bin"), { recursive: true });
  const made = await run("sh", [
    "-c",
    `cp /bin/busybox ${directory}/rootfs/bin/ && ln -s busybox ${directory}/rootfs/bin/true && cd ${directory} && ${distBin}/oci-runtime spec`,
  ]);
  if (made.code !== 0) throw new Error(`making a bundle: ${made.stderr}`);
  const file = join(directory, "config.json");
  const config = JSON.parse(readFileSync(file, "utf8")) as {
    process: { args: string[]; terminal: boolean; rlimits?: unknown };
  };
  config.process.args = ["/bin/true"];
  config.process.terminal = false;
  writeFileSync(file, JSON.stringify(config));
  return directory;
}
