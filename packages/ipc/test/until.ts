/** Waits until a condition holds; fails after 10 seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`still not true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
