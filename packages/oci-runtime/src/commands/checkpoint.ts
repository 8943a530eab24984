import { isAbsolute } from "node:path/posix";
import { UsageError } from "@gantry/cli";
import { checkpointContainer } from "../run/criu/checkpoint.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./context.ts";
import { criuFlags, criuSettings } from "./criu-flags.ts";

export const checkpoint: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "checkpoint",
      operands: "ID",
      summary: "Writes a container's processes to files, by CRIU, and removes it unless it is left running.",
      flags: {
        ...criuFlags,
        "parent-path": {
          type: "string",
          value: "DIR",
          doc: "images of an earlier --pre-dump, relative to --image-path",
        },
        "leave-running": { type: "boolean", doc: "let the container run on" },
        "tcp-skip-in-flight": { type: "boolean", doc: "leave out TCP connections that are being made" },
        "link-remap": { type: "boolean", doc: "also with open files that have no name any more: they get one" },
        "pre-dump": { type: "boolean", doc: "write memory only, and let the container run on" },
        "page-server": { type: "string", value: "ADDRESS:PORT", doc: "send memory to this page server" },
        "status-fd": { type: "integer", value: "N", doc: "descriptor that gets a zero byte once lazy pages are ready" },
      },
      example: "oci-runtime checkpoint --image-path /tmp/box.images --leave-running box",
      count: [1, 1],
    },
    context,
  );
  if (!parsed) return 0;
  const { flags, operands } = parsed;
  const status = flags["status-fd"];
  const request = {
    ...criuSettings(context, flags),
    id: operands[0] ?? "",
    leaveRunning: flags["leave-running"],
    linkRemap: flags["link-remap"],
    tcpSkipInFlight: flags["tcp-skip-in-flight"],
    preDump: flags["pre-dump"],
    parent: parentPath(flags["parent-path"]),
    pageServer: await pageServer(flags["page-server"]),
    statusFd: status === undefined || status < 0 ? undefined : status,
  };
  await checkpointContainer(await context.host(), context.store, request);
  return 0;
};

/** Relative to the images: so are the links by which a restore finds the earlier ones. @throws UsageError */
function parentPath(path: string | undefined): string | undefined {
  if (path && isAbsolute(path)) throw new UsageError(`invalid value "${path}" for --parent-path: must be relative`);
  return path || undefined;
}

/** @throws UsageError */
async function pageServer(text: string | undefined): Promise<{ address: string; port: number } | undefined> {
  if (text === undefined) return undefined;
  const { isIP } = await import("node:net");
  const [, bracketed, plain, port = ""] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? "";
  if (isIP(address) === 0 || Number(port) < 1 || Number(port) > 65_535)
    throw new UsageError(`invalid value "${text}" for --page-server: must be an IP address, a colon and a port`);
  return { address, port: Number(port) };
}
