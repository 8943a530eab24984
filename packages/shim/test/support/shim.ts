import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { type Client, connect, type RequestOf } from "@gantry/ipc";
import { shimContract } from "@gantry/ipc/contracts/shim";
import { endKeeper } from "@gantry/keeper";
import { nativeSys } from "@gantry/native-sys";
import { run, tempDir, waitFor } from "@gantry/testkit";
import { type BundleOptions, cgroupParent, writeBundle } from "./bundle.ts";

export type ShimClient = Client<typeof shimContract.methods>;
type CreateRequest = RequestOf<(typeof shimContract.methods)["create"]>;

const main = new URL("../../src/main.ts", import.meta.url).pathname;
let count = 0;

export interface StartOptions {
  readonly runtimePath?: string;
  readonly worker?: boolean;
}

/** A shim that runs as a process of its own, with a client, and everything that goes when the scope ends. */
export interface TestShim extends AsyncDisposable {
  readonly client: ShimClient;
  readonly child: ChildProcess;
  readonly pid: number;
  readonly directory: string;
  /** For files of the test. */
  readonly files: string;
  readonly id: string;
  readonly runtime: CreateRequest["runtime"];
  /** Kills the shim. */
  kill(): Promise<void>;
  /** Kills the shim and starts the next one, for the same container. @returns a client of that */
  next(): Promise<ShimClient>;
  /** Another client of the same shim. */
  connect(): ShimClient;
  /** Writes a bundle and creates the container from it. */
  create(bundle: BundleOptions, stdio?: Partial<CreateRequest["stdio"]>, checkpoint?: string): Promise<number>;
}

/** Starts a shim from source. */
export async function startShim(options: StartOptions = {}): Promise<TestShim> {
  const files = tempDir("shim");
  const directory = join(files.path, "s");
  count += 1;
  const id = `t${process.pid}-${count}`;
  const path = options.runtimePath ?? "/usr/sbin/runc";
  const runtime = { path, root: join(files.path, "runtime"), worker: options.worker ?? false };
  const begin = (more: object) => {
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main], {
      detached: true,
      stdio: ["pipe", "pipe", "inherit"],
    });
    child.stdin.on("error", () => undefined);
    child.stdin.write(`${JSON.stringify({ directory, ...more })}\n`);
    return child;
  };
  let child = begin(options.worker ? { standbyRuntime: runtime } : {});
  let ready = await firstLine(child);
  const clients: ShimClient[] = [];
  const open = () => {
    const client = connect(shimContract, { endpoint: ready.address });
    clients.push(client);
    return client;
  };
  const client = open();
  let bundles = 0;
  return {
    client,
    get child() {
      return child;
    },
    get pid() {
      return ready.pid;
    },
    async kill() {
      child.kill("SIGKILL");
      await waitFor(() => child.signalCode !== null);
    },
    async next() {
      child.kill("SIGKILL");
      await waitFor(() => child.signalCode !== null);
      child = begin({ adopt: true });
      ready = await firstLine(child);
      return open();
    },
    directory,
    files: files.path,
    id,
    runtime,
    connect: open,
    async create(bundle, stdio = {}, checkpoint = undefined) {
      bundles += 1;
      const path = join(files.path, bundles === 1 ? "bundle" : `bundle${bundles}`);
      writeBundle(path, id, { terminal: stdio.terminal ?? false, ...bundle });
      const request = {
        id,
        namespace: "test",
        bundle: path,
        runtime,
        stdio: { terminal: false, stdin: false, ...stdio },
        ...(checkpoint === undefined ? {} : { checkpoint }),
      };
      const { pid } = await client.call("create", request);
      return pid;
    },
    async [Symbol.asyncDispose]() {
      for (const each of clients) each.close();
      if (existsSync(join(runtime.root, id))) await run(path, ["--root", runtime.root, "delete", "--force", id]);
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      child.stdin.destroy();
      await endKeeper(nativeSys(), join(directory, "keeper.sock"));
      removeCgroups(id);
      await files[Symbol.asyncDispose]();
    },
  };
}

/** The parent of a process; of a container's it is the keeper, and of that the shim that started it. */
export function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** Directories of a container that are left below the cgroup mounts. */
export function cgroupsOf(id: string): string[] {
  return readdirSync("/sys/fs/cgroup")
    .map((controller) => join("/sys/fs/cgroup", controller, cgroupParent, id))
    .concat(join("/sys/fs/cgroup", cgroupParent, id))
    .filter((path) => existsSync(path));
}

function removeCgroups(id: string): void {
  for (const path of cgroupsOf(id)) rmdirSync(path);
  for (const path of cgroupsOf("")) {
    try {
      rmdirSync(path);
    } catch {
      // Another test's container is below it.
    }
  }
}

async function firstLine(child: ChildProcess): Promise<{ address: string; pid: number }> {
  let text = "";
  for await (const chunk of child.stdout ?? []) {
    text += chunk;
    if (text.includes("\n")) return JSON.parse(text);
  }
  throw new Error("the shim ended before it was ready");
}

export interface Attached {
  stdout(): Buffer;
  stderr(): Buffer;
  send(text: string | Uint8Array): Promise<void>;
  closeStdin(): Promise<void>;
  resize(width: number, height: number): Promise<void>;
  end(): void;
  cancel(): void;
  readonly result: Promise<{ exitStatus?: number | undefined }>;
}

/** Attaches to a process and gathers its output. */
export function attachTo(
  client: ShimClient,
  options: { execId?: string; stdin?: boolean; stdout?: boolean } = {},
): Attached {
  const { execId, stdin = false, stdout = true } = options;
  const request = { ...(execId ? { execId } : {}), stdin, stdout, stderr: true };
  const stream = client.open("attach", request);
  const chunks: { stdout: Uint8Array[]; stderr: Uint8Array[] } = { stdout: [], stderr: [] };
  const gathered = (async () => {
    for await (const { value, blobs } of stream.items) chunks[value.stream].push(...blobs);
  })().catch(() => undefined);
  const result = stream.result.then(async (reply) => {
    await gathered;
    return reply;
  });
  result.catch(() => undefined);
  return {
    stdout: () => Buffer.concat(chunks.stdout),
    stderr: () => Buffer.concat(chunks.stderr),
    send: (text) => stream.send({ kind: "stdin" }, typeof text === "string" ? Buffer.from(text) : text),
    closeStdin: () => stream.send({ kind: "closeStdin" }),
    resize: (width, height) => stream.send({ kind: "resize", width, height }),
    end: () => stream.end(),
    cancel: () => stream.cancel(),
    result,
  };
}

/** The text of a json-file log, each line parsed. */
export function readLog(path: string): { log: string; stream: string; time: string; attrs?: Record<string, string> }[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** Deletes the container and ends the shim. */
export async function finish(shim: TestShim): Promise<void> {
  await shim.client.call("delete", {});
  await shim.client.call("shutdown", {});
}

/** The topics of the shim's events, as they come. */
export function topicsOf(client: ShimClient): string[] {
  const topics: string[] = [];
  const stream = client.open("events", { from: 0 });
  stream.result.catch(() => undefined);
  (async () => {
    for await (const { value } of stream.items) topics.push(value.topic);
  })().catch(() => undefined);
  return topics;
}
