import { createContainer } from "../run/create/create.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./context.ts";
import { createFlags, createRequest, sendPidFd, writePidFile } from "./create-flags.ts";
import { withNotifySocket } from "./notify.ts";

export const create: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "create",
      operands: "ID",
      summary: "Makes a container: its process exists, in all its namespaces and limits, and waits for start.",
      flags: createFlags,
      example: "oci-runtime create --bundle /tmp/box --pid-file /tmp/box.pid box",
      count: [1, 1],
    },
    context,
  );
  if (!parsed) return 0;
  const [id = ""] = parsed.operands;
  const host = await context.host();
  const request = await withNotifySocket(context, createRequest(host, context, id, parsed.flags));
  const { pid } = await createContainer(host, context.store, request);
  try {
    sendPidFd(host, parsed.flags["pidfd-socket"], { pid, kind: "standard" });
    writePidFile(parsed.flags["pid-file"], pid);
  } catch (error) {
    const { deleteContainer } = await import("../run/delete.ts");
    await deleteContainer(host, context.store, { id, force: true });
    throw error;
  }
  return 0;
};
