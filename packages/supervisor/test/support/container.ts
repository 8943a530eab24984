import { createReadStream } from "node:fs";
import type { Message, OpenStream } from "@gantry/ipc";
import type { Stdio } from "@gantry/ipc/contracts/common";
import { defaultCapabilities, defaultMounts } from "@gantry/oci-spec";
import type { Stack } from "./stack.ts";

export const namespace = "test";
export const busybox = "docker.io/library/busybox:latest";
const quiet: Stdio = { terminal: false, stdin: false };

/** Sends a file as a stream's input and takes its items. */
export async function sendFile<Item, Reply>(
  stream: OpenStream<Item, Record<string, never>, Reply>,
  path: string,
): Promise<{ items: Item[]; reply: Reply }> {
  const items: Item[] = [];
  const reading = (async () => {
    for await (const { value } of stream.items) items.push(value);
  })();
  reading.catch(() => {});
  const sending = (async () => {
    for await (const chunk of createReadStream(path, { highWaterMark: 256 << 10 })) await stream.send({}, chunk);
    stream.end();
  })();
  sending.catch(() => {}); // the reply says why
  const reply = await stream.result;
  await reading;
  return { items, reply };
}

/** Loads an archive. */
export async function load(stack: Stack, path: string, defaultName?: string) {
  const request = { namespace, ...(defaultName === undefined ? {} : { defaultName }) };
  return await sendFile(stack.client.open("images.load", request), path);
}

export interface ContainerOptions {
  readonly id: string;
  readonly args: readonly string[];
  readonly user?: string;
  readonly image?: string;
}

/** Records a container of an image, with a snapshot of its own. */
export async function createContainer(stack: Stack, options: ContainerOptions): Promise<void> {
  const { client } = stack;
  const { id, args, user = "", image = busybox } = options;
  const { chainId } = await client.call("images.resolve", { namespace, name: image });
  await client.call("snapshots.prepare", { namespace, key: id, parent: chainId });
  const spec = containerSpec(args, `/gantry-test-${id}`);
  const runtime = { path: `${stack.bin}/oci-runtime`, root: `${stack.state}/runtime`, worker: true };
  await client.call("containers.create", { namespace, id, image, labels: {}, spec, snapshotKey: id, runtime, user });
}

/** Creates and starts its task. @returns its process id */
export async function startTask(stack: Stack, id: string, stdio: Stdio = quiet): Promise<number> {
  await stack.client.call("tasks.create", { namespace, containerId: id, stdio });
  return (await stack.client.call("tasks.start", { namespace, containerId: id })).pid;
}

export async function waitTask(stack: Stack, id: string): Promise<number> {
  const { exitStatus } = await stack.client.call("tasks.wait", { namespace, containerId: id }, { timeoutMs: 20_000 });
  return exitStatus;
}

/** Removes a container with its task and snapshot. */
export async function removeContainer(stack: Stack, id: string): Promise<void> {
  await stack.client.call("tasks.delete", { namespace, containerId: id });
  await stack.client.call("containers.delete", { namespace, id });
  await stack.client.call("snapshots.remove", { namespace, key: id });
}

/** Runs a container to its end. @returns its output */
export async function runContainer(
  stack: Stack,
  options: ContainerOptions,
): Promise<{ status: number; output: string }> {
  await createContainer(stack, options);
  const { id } = options;
  await stack.client.call("tasks.create", { namespace, containerId: id, stdio: quiet });
  const attached = stack.client.open("tasks.attach", {
    namespace,
    containerId: id,
    stdin: false,
    stdout: true,
    stderr: true,
  });
  const output = textOf(attached.items);
  await stack.client.call("tasks.start", { namespace, containerId: id });
  const status = await waitTask(stack, id);
  const text = await output;
  await removeContainer(stack, id);
  return { status, output: text };
}

export async function textOf(items: AsyncIterable<Message<unknown>>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const { blobs } of items) chunks.push(...blobs);
  return Buffer.concat(chunks).toString();
}

function containerSpec(args: readonly string[], cgroupsPath: string): Record<string, unknown> {
  const caps = [...defaultCapabilities];
  const namespaces = ["pid", "mount", "ipc", "uts", "network"].map((type) => ({ type }));
  return {
    ociVersion: "1.0.2",
    root: { path: "rootfs" },
    process: {
      args,
      cwd: "/",
      env: ["PATH=/bin:/usr/bin"],
      user: { uid: 0, gid: 0 },
      capabilities: { bounding: caps, effective: caps, permitted: caps },
      noNewPrivileges: true,
    },
    mounts: defaultMounts(),
    linux: { namespaces, cgroupsPath },
  };
}
