import type { Container } from "../container.ts";
import type { ExitReport } from "./lifecycle.ts";
import { admit } from "./table.ts";

export type WaitCondition = "not-running" | "next-exit" | "removed";

/** Resolves when the condition holds, with how the container last ended. */
export async function waitContainer(container: Container, condition: WaitCondition): Promise<ExitReport> {
  const { lifecycle } = container;
  if (condition === "removed") return lifecycle.removed;
  if (condition === "next-exit") return Promise.race([lifecycle.run.exited, lifecycle.removed]);
  // A start that is under way counts: its exit is waited for.
  const run = await lifecycle.exclusive(async () => {
    if (!lifecycle.isRemoved) admit("wait", container);
    return { exited: container.alive ? lifecycle.run.exited : Promise.resolve(container.lastExit) };
  });
  return run.exited;
}
