import { isRpcError, relay } from "@gantry/ipc";
import type { NativeSys } from "@gantry/native-sys";
import { failedPrecondition, notFound } from "../errors.ts";
import type { Metadata } from "../metadata/index.ts";
import type { Bundles } from "../tasks/bundle.ts";
import { makeFifos, publicFifos } from "../tasks/fifos.ts";
import type { Task } from "../tasks/task.ts";
import { runtimeTimeoutMs, type Tasks, taskInfo } from "../tasks/tasks.ts";
import type { ServiceHandlers } from "./handlers.ts";

export interface TaskServiceOptions {
  readonly metadata: Metadata;
  readonly bundles: Bundles;
  readonly tasks: Tasks;
  readonly native: NativeSys;
}

interface OfContainer {
  readonly namespace: string;
  readonly containerId: string;
}

interface OfProcess extends OfContainer {
  readonly execId?: string | undefined;
}

const slow = { timeoutMs: runtimeTimeoutMs };

/** Most of the task service is the shim's: requests are passed on to the shim of the container. */
export function taskService(options: TaskServiceOptions): ServiceHandlers<"tasks"> {
  return { ...lifecycle(options), ...execs(options), ...signals(options), ...figures(options) };
}

function lifecycle({ metadata, tasks }: TaskServiceOptions) {
  return {
    "tasks.create": async ({ namespace, containerId, ...options }) =>
      await tasks.exclusive(namespace, containerId, async () => {
        const container = metadata.containers.get(namespace, containerId);
        if (!container) throw notFound(`no such container: ${containerId}`);
        return await tasks.create(namespace, container, options);
      }),
    "tasks.start": async (request) => {
      const { namespace, containerId, execId } = request;
      if (execId !== undefined) return await living(tasks, request).client.call("start", { execId }, slow);
      return await tasks.exclusive(namespace, containerId, async () => {
        const task = living(tasks, request);
        const reply = await task.client.call("start", {}, slow);
        task.note("running");
        return reply;
      });
    },
    "tasks.delete": async ({ namespace, containerId, execId }) => {
      if (execId === undefined) {
        return await tasks.exclusive(namespace, containerId, () => tasks.delete(namespace, containerId));
      }
      const { exitStatus, exitedAt } = await living(tasks, { namespace, containerId }).client.call("delete", {
        execId,
      });
      return { exitStatus, exitedAt };
    },
  } satisfies Partial<ServiceHandlers<"tasks">>;
}

function execs({ metadata, tasks, bundles, native }: TaskServiceOptions) {
  return {
    "tasks.exec": async ({ namespace, containerId, execId, process, user, stdio, fifoDirectory }) => {
      const task = living(tasks, { namespace, containerId });
      const container = metadata.containers.get(namespace, containerId);
      if (!container) throw notFound(`no such container: ${containerId}`);
      const asUser = bundles.withUser(bundles.rootfs(namespace, container), process, user);
      if (fifoDirectory === undefined) return await task.client.call("exec", { execId, process: asUser, stdio });
      const { shimDirectory } = task.row;
      const fifos = makeFifos(native, { parent: fifoDirectory, id: execId, stdio, shimDirectory });
      await task.client.call("exec", { execId, process: asUser, stdio: { ...stdio, fifos } });
      return { fifos: publicFifos(fifos) };
    },
    "tasks.wait": async ({ namespace, containerId, execId }, { signal }) => {
      const task = tasks.get(namespace, containerId);
      if (execId === undefined) return await task.exited;
      try {
        return await living(tasks, { namespace, containerId }).client.call(
          "wait",
          { execId },
          { timeoutMs: 0, signal },
        );
      } catch (error) {
        // The shim died, and every process of the container with it.
        if (!isRpcError(error, "Unavailable") || signal.aborted) throw error;
        return await task.exited;
      }
    },
    "tasks.attach": async (request, context) => {
      const { namespace: _, containerId: __, ...rest } = request;
      return await relay(context, living(tasks, request).client.open("attach", rest));
    },
    "tasks.resizePty": async (request) => await living(tasks, request).client.call("resizePty", ofShim(request)),
    "tasks.closeIO": async (request) => await living(tasks, request).client.call("closeIO", ofShim(request)),
  } satisfies Partial<ServiceHandlers<"tasks">>;
}

function signals({ tasks }: TaskServiceOptions) {
  return {
    "tasks.kill": async (request) => await living(tasks, request).client.call("kill", ofShim(request), slow),
    "tasks.pause": async (request) =>
      await tasks.exclusive(request.namespace, request.containerId, async () => {
        const task = living(tasks, request);
        await task.client.call("pause", {}, slow);
        task.note("paused");
        return {};
      }),
    "tasks.resume": async (request) =>
      await tasks.exclusive(request.namespace, request.containerId, async () => {
        const task = living(tasks, request);
        await task.client.call("resume", {}, slow);
        task.note("running");
        return {};
      }),
    "tasks.checkpoint": async (request) =>
      await tasks.exclusive(request.namespace, request.containerId, async () => {
        const task = living(tasks, request);
        return await task.client.call("checkpoint", ofShim(request), slow);
      }),
    "tasks.update": async (request) =>
      await tasks.exclusive(
        request.namespace,
        request.containerId,
        async () => await living(tasks, request).client.call("update", { resources: request.resources }, slow),
      ),
  } satisfies Partial<ServiceHandlers<"tasks">>;
}

function figures({ tasks }: TaskServiceOptions) {
  return {
    "tasks.get": async ({ namespace, containerId, execId }) => {
      const task = tasks.get(namespace, containerId);
      if (execId === undefined) return taskInfo(task);
      const {
        id: _,
        bundle: __,
        ...state
      } = await living(tasks, { namespace, containerId }).client.call("state", {
        execId,
      });
      return { containerId, ...state };
    },
    "tasks.list": async ({ namespace }) => ({ tasks: tasks.list(namespace).map(taskInfo) }),
    "tasks.pids": async (request) => await living(tasks, request).client.call("pids", {}),
    "tasks.stats": async (request) => await living(tasks, request).client.call("stats", {}),
    "tasks.metrics": async (request) => await living(tasks, request).client.call("metrics", {}),
  } satisfies Partial<ServiceHandlers<"tasks">>;
}

/** The task of a container, whose shim is there to be asked. */
function living(tasks: Tasks, { namespace, containerId }: OfContainer): Task {
  const task = tasks.get(namespace, containerId);
  if (task.isLost) throw failedPrecondition(`container ${containerId} is not running: its shim died`);
  return task;
}

/** A request as the shim has it: it knows only one container. */
function ofShim<T extends OfProcess>(request: T): Omit<T, "namespace" | "containerId"> {
  const { namespace: _, containerId: __, ...rest } = request;
  return rest;
}
