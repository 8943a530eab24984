/** More processors or memory nodes than any kernel is built for. */
const limit = 8192;

/**
 * Numbers of processors or memory nodes as Linux writes them: "0-3,7" is 0, 1, 2, 3 and 7; empty is none.
 * @returns undefined for text that is not such a list
 */
export function parseIdList(text: string): number[] | undefined {
  const ids: number[] = [];
  if (text.trim() === "") return ids;
  for (const part of text.split(",")) {
    const found = /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(part);
    if (!found) return undefined;
    const [first, last] = [Number(found[1]), Number(found[2] ?? found[1])];
    if (first > last || last >= limit) return undefined;
    for (let id = first; id <= last; id++) ids.push(id);
  }
  return [...new Set(ids)].sort((a, b) => a - b);
}
