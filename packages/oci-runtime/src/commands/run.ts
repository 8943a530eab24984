import { PR_SET_CHILD_SUBREAPER } from "@gantry/native-sys";
import type { Host } from "../host.ts";
import { type CreateRequest, createContainer, readConfig } from "../run/create/create.ts";
import { deleteContainer } from "../run/delete.ts";
import { ownSize } from "../run/launch/console.ts";
import { type Foreground, foreground } from "../run/launch/foreground.ts";
import { parseArguments } from "./arguments.ts";
import type { Command, Context } from "./context.ts";
import { createFlags, createRequest, sendPidFd, writePidFile } from "./create-flags.ts";
import { startNotifying, withNotifySocket } from "./notify.ts";

export const run: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "run",
      operands: "ID",
      summary: "Creates and starts a container; waits for its process, whose exit status it returns, and removes it.",
      flags: {
        ...createFlags,
        detach: { type: "boolean", short: "d", doc: "return once the process runs" },
        keep: { type: "boolean", doc: "keep the container after it has stopped" },
        "no-subreaper": { type: "boolean", doc: "do not adopt the container's orphans" },
      },
      example: "oci-runtime run --bundle /tmp/box box",
      count: [1, 1],
    },
    context,
  );
  if (!parsed) return 0;
  const { flags } = parsed;
  const [id = ""] = parsed.operands;
  const host = await context.host();
  const request = await withNotifySocket(context, createRequest(host, context, id, flags));
  if (flags.detach) {
    const { notified } = await createAndStart(host, context, request, flags);
    await notified;
    return 0;
  }
  if (!flags["no-subreaper"]) host.native.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const spec = request.spec ?? readConfig(request.bundle);
  const terminal = spec.process?.terminal === true && request.consoleSocket === undefined;
  const size = terminal ? ownSize(host) : undefined;
  if (size && spec.process) spec.process.consoleSize ??= size;
  let notified: Promise<void> | undefined;
  const status = await foreground(host, terminal, async (console) => {
    const consoleSocket = console ?? request.consoleSocket;
    const begun = await createAndStart(
      host,
      context,
      { ...request, spec, consoleSocket, plainNewlines: terminal },
      flags,
    );
    notified = begun.notified;
    return begun;
  });
  await notified;
  if (!flags.keep) await deleteContainer(host, context.store, { id, force: true });
  return status;
};

async function createAndStart(
  host: Host,
  context: Context,
  request: CreateRequest,
  flags: {
    readonly detach: boolean;
    readonly "pid-file": string | undefined;
    readonly "pidfd-socket": string | undefined;
  },
): Promise<Foreground & { readonly notified: Promise<void> }> {
  const { store } = context;
  const { pid } = await createContainer(host, store, request);
  try {
    sendPidFd(host, flags["pidfd-socket"], { pid, kind: "standard" });
    writePidFile(flags["pid-file"], pid);
    const { notified } = await startNotifying(host, context, { id: request.id, stays: !flags.detach });
    return { pid, notified };
  } catch (error) {
    await deleteContainer(host, store, { id: request.id, force: true });
    throw error;
  }
}
