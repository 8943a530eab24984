import { closeSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Client, EventLog, memoryNetwork } from "@gantry/ipc";
import { shimContract } from "@gantry/ipc/contracts/shim";
import type { ShimContext, ShimEvent } from "./context.ts";
import { Journal } from "./journal.ts";
import type { Kept } from "./process/kept.ts";
import type { OciRuntime, RuntimeStreams } from "./runtime/runtime.ts";
import { ShimService } from "./service.ts";
import { StateFiles } from "./state.ts";
import { ReadBuffer } from "./stdio/output.ts";

type ShimClient = Client<typeof shimContract.methods>;

/** Directory of a rehearsal's files, in the shim's. */
const place = "rehearsal";
/** The container's program: it copies its input to its output. */
const program = "/bin/cat";
const id = "rehearsal";

/**
 * Runs the whole lifecycle of a container once, from create to delete, so that the code is warm for the real container:
 * a shim serves only one, and otherwise every line would run for the first time during a user's request. The messages
 * stay in this process, the runtime only runs a program, and the files are removed.
 *
 * @param isWanted called between the steps: false ends the rehearsal, for a real container
 */
export async function rehearse(shim: ShimContext, isWanted: () => boolean): Promise<void> {
  const directory = join(shim.directory, place);
  mkdirSync(directory, { mode: 0o700 });
  const context = {
    ...shim,
    directory,
    prefix: `${place}-`,
    events: new EventLog<ShimEvent>(16),
    files: new StateFiles(directory),
    journal: new Journal(join(directory, "journal"), 16),
    buffer: new ReadBuffer(),
  };
  const service = new ShimService({
    context,
    runtimeFor: () => plainProgram(shim.kept),
    onOccupied: () => undefined,
    onCreated: () => undefined,
    onShutdown: () => undefined,
  });
  const network = memoryNetwork();
  const server = await network.serve(shimContract, service.handlers, { endpoint: place });
  const client = network.connect(shimContract, { endpoint: place });
  try {
    await play(client, directory, isWanted);
  } finally {
    context.events.close();
    context.journal.close();
    client.close();
    await server.close({ deadlineMs: 0 });
    rmSync(directory, { recursive: true, force: true });
  }
}

async function play(client: ShimClient, directory: string, isWanted: () => boolean): Promise<void> {
  const events = client.open("events", { from: 1 });
  events.result.catch(() => undefined);
  const reading = readAll(events.items);
  await client.call("create", {
    id,
    namespace: id,
    bundle: directory,
    runtime: { path: program, root: directory, worker: true },
    stdio: { terminal: false, stdin: true, log: { driver: "json-file", path: join(directory, "log") } },
  });
  const attached = client.open("attach", { stdin: true, stdout: true, stderr: true });
  attached.result.catch(() => undefined);
  const output = readAll(attached.items);
  const ended = client.call("wait", {});
  ended.catch(() => undefined);
  try {
    if (isWanted()) await client.call("start", {});
    if (isWanted()) await attached.send({ kind: "stdin" }, Buffer.from("a line\n"));
  } finally {
    await client.call("closeIO", {});
    await ended;
  }
  await attached.result;
  await client.call("delete", {});
  events.cancel();
  await Promise.all([output, reading]);
}

async function readAll(items: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of items);
  } catch {
    // It was cancelled.
  }
}

/** A runtime whose container is only a program with the container's streams. */
function plainProgram({ client }: Kept): OciRuntime {
  const run = async ({ stdin = 0, stdout = 1, stderr = 2 }: RuntimeStreams) => {
    const { pid, pidFd } = await client.spawn({ program, argv: [program], env: [], fds: [stdin, stdout, stderr] });
    closeSync(pidFd);
    return pid;
  };
  const nothing = async () => undefined;
  return {
    create: (_, streams) => run(streams),
    exec: (_, streams) => run(streams),
    start: nothing,
    status: async () => "running",
    kill: nothing,
    delete: nothing,
    pause: nothing,
    resume: nothing,
    update: nothing,
    pids: async () => [],
    stats: async () => ({}),
    checkpoint: nothing,
    restore: (_, __, streams) => run(streams),
    close: () => undefined,
  };
}
