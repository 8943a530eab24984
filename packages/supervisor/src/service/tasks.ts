import { setTimeout as delay } from "node:timers/promises";
import { isRpcError, relay } from "@gantry/ipc";
import { checkpointDeadlines, deadlines, shimAnswerDeadline } from "@gantry/ipc/contracts/deadlines";
import type { NativeSys } from "@gantry/native-sys";
import { failedPrecondition, notFound } from "../errors.ts";
import type { Metadata } from "../metadata/index.ts";
import type { Bundles } from "../tasks/bundle.ts";
import { makeFifos, publicFifos } from "../tasks/fifos.ts";
import type { Exit, Task } from "../tasks/task.ts";
import { taskInfo } from "../tasks/task-info.ts";
import type { OfContainer, Tasks } from "../tasks/tasks.ts";
import type { ServiceHandlers } from "./handlers.ts";

export interface TaskServiceOptions {
  readonly metadata: Metadata;
  readonly bundles: Bundles;
  readonly tasks: Tasks;
  readonly native: NativeSys;
}

interface OfProcess extends OfContainer {
  readonly execId?: string | undefined;
}

/** The shim runs a command of the OCI runtime. */
const byRuntime = { timeoutMs: deadlines.shim };
const byCheckpoint = { timeoutMs: checkpointDeadlines.shim };
/** The shim answers by itself. */
const byShim = { timeoutMs: shimAnswerDeadline };
/** Pause before a shim that could not be reached is called again. */
const retryMs = 200;

/** The task service: most requests are passed on to the container's shim. */
export function taskService(options: TaskServiceOptions): ServiceHandlers<"tasks"> {
  return { ...lifecycle(options), ...execs(options), ...signals(options), ...figures(options) };
}

function lifecycle({ metadata, tasks }: TaskServiceOptions) {
  return {
    "tasks.create": async (request, { signal }) =>
      await tasks.exclusive(request, signal, async () => {
        const { namespace, containerId, ...options } = request;
        const container = metadata.containers.get(namespace, containerId);
        if (!container) throw notFound(`no such container: ${containerId}`);
        return await tasks.create(namespace, container, options);
      }),
    "tasks.start": async (request, { signal }) => {
      const { execId } = request;
      if (execId !== undefined) return await withShim(tasks, request).client.call("start", { execId }, byRuntime);
      return await tasks.exclusive(request, signal, async () => {
        const task = withShim(tasks, request);
        // Without a process it is restored from a checkpoint.
        const reply = await task.client.call("start", {}, task.row.pid === 0 ? byCheckpoint : byRuntime);
        task.noteStatus("running");
        return reply;
      });
    },
    "tasks.delete": async (request, { signal }) => {
      const { namespace, containerId, execId } = request;
      if (execId === undefined) {
        return await tasks.exclusive(request, signal, () => tasks.delete(namespace, containerId));
      }
      const { exitStatus, exitedAt } = await withShim(tasks, request).client.call("delete", { execId }, byRuntime);
      return { exitStatus, exitedAt };
    },
  } satisfies Partial<ServiceHandlers<"tasks">>;
}

function execs({ metadata, tasks, bundles, native }: TaskServiceOptions) {
  return {
    "tasks.exec": async ({ namespace, containerId, execId, process, user, stdio, fifoDirectory }) => {
      const { client, row } = withShim(tasks, { namespace, containerId });
      const container = metadata.containers.get(namespace, containerId);
      if (!container) throw notFound(`no such container: ${containerId}`);
      const exec = { execId, process: bundles.withUser(bundles.rootfs(namespace, container), process, user) };
      if (fifoDirectory === undefined) return await client.call("exec", { ...exec, stdio }, byShim);
      const { shimDirectory } = row;
      const fifos = makeFifos(native, { parent: fifoDirectory, id: execId, stdio, shimDirectory });
      await client.call("exec", { ...exec, stdio: { ...stdio, fifos } }, byShim);
      return { fifos: publicFifos(fifos) };
    },
    "tasks.wait": async (request, { signal }) => {
      const task = tasks.get(request.namespace, request.containerId);
      const { execId } = request;
      return execId === undefined ? await task.exited : await waitForExec(task, execId, signal);
    },
    "tasks.attach": async (request, context) =>
      await relay(context, withShim(tasks, request).client.open("attach", forShim(request))),
    "tasks.resizePty": async (request) =>
      await withShim(tasks, request).client.call("resizePty", forShim(request), byShim),
    "tasks.closeIO": async (request) => await withShim(tasks, request).client.call("closeIO", forShim(request), byShim),
  } satisfies Partial<ServiceHandlers<"tasks">>;
}

function signals({ tasks }: TaskServiceOptions) {
  return {
    "tasks.kill": async (request) => await withShim(tasks, request).client.call("kill", forShim(request), byRuntime),
    "tasks.pause": async (request, { signal }) =>
      await tasks.exclusive(request, signal, async () => {
        const task = withShim(tasks, request);
        await task.client.call("pause", {}, byRuntime);
        task.noteStatus("paused");
        return {};
      }),
    "tasks.resume": async (request, { signal }) =>
      await tasks.exclusive(request, signal, async () => {
        const task = withShim(tasks, request);
        await task.client.call("resume", {}, byRuntime);
        task.noteStatus("running");
        return {};
      }),
    "tasks.checkpoint": async (request, { signal }) =>
      await tasks.exclusive(
        request,
        signal,
        async () => await withShim(tasks, request).client.call("checkpoint", forShim(request), byCheckpoint),
      ),
    "tasks.update": async (request, { signal }) =>
      await tasks.exclusive(
        request,
        signal,
        async () => await withShim(tasks, request).client.call("update", { resources: request.resources }, byRuntime),
      ),
  } satisfies Partial<ServiceHandlers<"tasks">>;
}

function figures({ tasks }: TaskServiceOptions) {
  return {
    "tasks.get": async (request) => {
      const { namespace, containerId, execId } = request;
      const { row } = tasks.get(namespace, containerId);
      if (execId === undefined) return taskInfo(row);
      const { id: _, bundle: __, ...state } = await withShim(tasks, request).client.call("state", { execId }, byShim);
      return { containerId, ...state };
    },
    "tasks.list": async ({ namespace }) => ({ tasks: tasks.list(namespace).map(({ row }) => taskInfo(row)) }),
    "tasks.pids": async (request) => await withShim(tasks, request).client.call("pids", {}, byRuntime),
    "tasks.stats": async (request) => await withShim(tasks, request).client.call("stats", {}, byRuntime),
    "tasks.metrics": async (request) => await withShim(tasks, request).client.call("metrics", {}, byShim),
  } satisfies Partial<ServiceHandlers<"tasks">>;
}

/** Waits for the end of an exec. An unreachable shim is tried again; a dead shim has ended its execs. */
async function waitForExec(task: Task, execId: string, signal: AbortSignal): Promise<Exit> {
  for (;;) {
    if (task.isLost) return await task.exited;
    try {
      return await task.client.call("wait", { execId }, { timeoutMs: 0, signal });
    } catch (error) {
      if (task.isLost) continue;
      if (!isRpcError(error, "Unavailable") || signal.aborted) throw error;
      await Promise.race([task.lost, delay(retryMs, undefined, { signal }).catch(() => {})]);
    }
  }
}

/** The task of a container whose shim lives. @throws RpcError NotFound, FailedPrecondition */
function withShim(tasks: Tasks, { namespace, containerId }: OfContainer): Task {
  const task = tasks.get(namespace, containerId);
  if (task.isLost) throw failedPrecondition(`container ${containerId} is not running: its shim died`);
  return task;
}

/** A request without its container: a shim has only one. */
function forShim<T extends OfProcess>(request: T): Omit<T, "namespace" | "containerId"> {
  const { namespace: _, containerId: __, ...rest } = request;
  return rest;
}
