import { digestOf } from "./digest.ts";

/** Chain ids of layers by their diff ids, bottom first (image-spec config.md, "Layer ChainID"). */
export function chainIdsOf(diffIds: readonly string[]): string[] {
  let last: string | undefined;
  return diffIds.map((diffId) => {
    last = last === undefined ? diffId : digestOf(`${last} ${diffId}`);
    return last;
  });
}
