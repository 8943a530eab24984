import { isRpcError } from "@gantry/ipc/contracts/errors";
import { anyNumber, CommandError, defineCommand } from "../../command.ts";
import type { Engine } from "../../engine/connect.ts";
import { inspect } from "../../engine/inspect.ts";
import type { PlainObject } from "../../format/template/values.ts";

type Find = (engine: Engine, name: string, size: boolean) => Promise<PlainObject>;

/** The kinds of objects, in the order in which a name is looked up. */
const kinds: Readonly<Record<string, Find>> = {
  container: (engine, name, size) => engine.call("containerInspect", { Id: name, ...(size ? { Size: true } : {}) }),
  image: (engine, name) => engine.call("imageInspect", { Name: name }),
  network: (engine, name) => engine.call("networkInspect", { Id: name }),
  volume: (engine, name) => engine.call("volumeInspect", { Name: name }),
};

export const command = defineCommand({
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  summary: "Return low-level information on containers, images, networks and volumes",
  flags: {
    format: { type: "string", short: "f", value: "FORMAT", doc: "Format output: json or a Go template" },
    size: { type: "boolean", short: "s", doc: "Display total file sizes if the type is container" },
    type: { type: "string", value: "TYPE", doc: "Only this type: container, image, network or volume" },
  },
  args: [1, anyNumber],
  examples: ["web", "-f '{{.NetworkSettings.IPAddress}}' web", "--type image busybox"],
  async run(context, { values, args }) {
    const { type } = values;
    if (type !== undefined && !Object.hasOwn(kinds, type)) {
      throw new CommandError(`"${type}" is not a valid value for --type`);
    }
    const wanted = Object.entries(kinds).filter(([kind]) => type === undefined || kind === type);
    const engine = await context.engine();
    return await inspect(context, args, {
      format: values.format,
      kind: type ?? "object",
      find: (name) => findFirst(wanted, (find) => find(engine, name, values.size)),
    });
  },
});

async function findFirst(
  wanted: readonly (readonly [string, Find])[],
  ask: (find: Find) => Promise<PlainObject>,
): Promise<PlainObject> {
  let missing: unknown;
  for (const [, find] of wanted) {
    try {
      return await ask(find);
    } catch (error) {
      if (!isRpcError(error, "NotFound")) throw error;
      missing = error;
    }
  }
  throw missing;
}
