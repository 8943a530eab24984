import { isRpcError } from "@gantry/ipc/contracts/errors";
import { CommandError, type Context } from "../command.ts";
import { deleteProcess } from "../tasks/session.ts";

/** Removes a container, its task that has ended, and its snapshot. @throws CommandError for a running one */
export async function removeContainer(context: Context, id: string, { keepSnapshot }: { keepSnapshot: boolean }) {
  const { namespace } = context;
  const supervisor = await context.supervisor();
  const container = await supervisor.call("containers.get", { namespace, id });
  await removeEndedTask();
  await supervisor.call("containers.delete", { namespace, id });
  const { snapshotKey: key, snapshotter } = container;
  if (keepSnapshot || key === "") return;
  try {
    await supervisor.call("snapshots.remove", { namespace, key, ...(snapshotter ? { snapshotter } : {}) });
  } catch (error) {
    if (!isRpcError(error, "NotFound")) throw error;
  }

  async function removeEndedTask(): Promise<void> {
    const process = { namespace, containerId: id };
    const task = await supervisor.call("tasks.get", process).catch((error: unknown) => {
      if (isRpcError(error, "NotFound")) return undefined;
      throw error;
    });
    if (!task) return;
    if (task.status !== "stopped") {
      throw new CommandError(`cannot delete a non stopped container: ${id} is ${task.status}`);
    }
    await deleteProcess(supervisor, process);
  }
}
