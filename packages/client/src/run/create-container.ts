import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { fileProblem } from "@gantry/cli/file-problem";
import { isRpcError } from "@gantry/ipc/contracts/errors";
import type { Context } from "../command.ts";
import type { Engine } from "../engine/connect.ts";
import type { CreateRequest, CreateValues } from "./create-request.ts";

/**
 * Creates a container, pulling its image first when it is missing (or always, or never: --pull).
 * @returns its id
 */
export async function createContainer(context: Context, values: CreateValues, request: CreateRequest): Promise<string> {
  const engine = await context.engine();
  const cidFile = values.cidfile === undefined ? undefined : openCidFile(values.cidfile);
  try {
    if (values.pull === "always") await pull(context, values, request);
    const { Id, Warnings } = await create(context, engine, { values, request });
    for (const warning of Warnings) context.log.warn(warning);
    cidFile?.write(Id);
    return Id;
  } catch (error) {
    cidFile?.abandon();
    throw error;
  }
}

async function create(
  context: Context,
  engine: Engine,
  { values, request }: { values: CreateValues; request: CreateRequest },
) {
  try {
    return await engine.call("containerCreate", request);
  } catch (error) {
    if (values.pull !== "missing" || !isRpcError(error, "NotFound")) throw error;
    if (await imageExists(engine, request.Config.Image)) throw error;
    const { familiarReference, parseReference, withDefaultTag } = await import("@gantry/oci-spec/reference");
    const name = familiarReference(withDefaultTag(parseReference(request.Config.Image)));
    context.out.printError(`Unable to find image '${name}' locally`);
    await pull(context, values, request);
    return await engine.call("containerCreate", request);
  }
}

/** A create may also fail for another missing object, such as a network. */
async function imageExists(engine: Engine, name: string): Promise<boolean> {
  try {
    await engine.call("imageInspect", { Name: name });
    return true;
  } catch (error) {
    if (isRpcError(error, "NotFound")) return false;
    throw error;
  }
}

async function pull(context: Context, values: CreateValues, request: CreateRequest): Promise<void> {
  const { pullImage } = await import("../image/pull.ts");
  await pullImage(context, request.Config.Image, { target: 2, quiet: values.quiet, platform: values.platform });
}

interface CidFile {
  write(id: string): void;
  abandon(): void;
}

function openCidFile(path: string): CidFile {
  let fd: number;
  try {
    fd = openSync(path, "wx", 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") {
      throw new Error(`container ID file found, make sure the other container isn't running or delete ${path}`);
    }
    throw new Error(`failed to create the container ID file: open ${path}: ${fileProblem(error)}`);
  }
  return {
    write: (id) => {
      writeSync(fd, id);
      closeSync(fd);
    },
    abandon: () => {
      closeSync(fd);
      rmSync(path, { force: true });
    },
  };
}
