import type { Image } from "@gantry/ipc/contracts/supervisor";
import type { Context } from "../command.ts";
import { labelAt, parseFilters } from "./filters.ts";

/** The images that filters keep. @throws CommandError for a filter that is none */
export async function selectImages(context: Context, filters: readonly string[]): Promise<Image[]> {
  const keeps = parseFilters(filters);
  const supervisor = await context.supervisor();
  const { images } = await supervisor.call("images.list", { namespace: context.namespace });
  return images.filter(({ name, target, labels }) =>
    keeps((path) => {
      if (path === "name") return name;
      if (path === "target.digest") return target.digest;
      if (path === "target.mediatype") return target.mediaType;
      return labelAt(labels, path);
    }),
  );
}
