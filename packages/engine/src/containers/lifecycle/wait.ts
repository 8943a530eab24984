import type { Container } from "../container.ts";
import type { ExitReport } from "./lifecycle.ts";
import { admit } from "./table.ts";

export type WaitCondition = "not-running" | "next-exit" | "removed";

/** Resolves when the condition holds, with how the container last ended. */
export async function waitContainer(container: Container, condition: WaitCondition): Promise<ExitReport> {
  const { lifecycle } = container;
  if (condition === "removed") return lifecycle.removed;
  if (condition === "next-exit") return Promise.race([lifecycle.run.exited, lifecycle.removed]);
  admit("wait", container);
  return container.alive ? lifecycle.run.exited : container.lastExit;
}
