/**
 * Waits for all of some work that runs side by side, then throws the first failure in their order. For work that must be
 * over before a failure is undone.
 * @returns the results, in the order of the work
 */
export async function allSettledOrThrow<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work);
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}
