import type { Image } from "@gantry/ipc/contracts/supervisor";
import type { Context } from "../command.ts";
import { filtersOf } from "../parse/filters.ts";

/** The images that match filters. */
export async function selectImages(context: Context, filters: readonly string[]): Promise<Image[]> {
  const supervisor = await context.supervisor();
  const request = { namespace: context.namespace, ...filtersOf(filters) };
  return (await supervisor.call("images.list", request)).images;
}
