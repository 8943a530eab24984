import type { Container, ExitReport } from "./container.ts";

export type WaitCondition = "not-running" | "next-exit" | "removed";

/** Resolves when the condition holds, with how the container last ended. */
export function waitContainer(container: Container, condition: WaitCondition): Promise<ExitReport> {
  if (condition === "removed") return container.removed.promise;
  if (condition === "next-exit") return Promise.race([container.exited.promise, container.removed.promise]);
  return container.alive ? container.exited.promise : Promise.resolve(container.report);
}
