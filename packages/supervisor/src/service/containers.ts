import type { RequestOf } from "@gantry/ipc";
import type { Runtime } from "@gantry/ipc/contracts/common";
import type { supervisorContract } from "@gantry/ipc/contracts/supervisor";
import { alreadyExists, failedPrecondition, notFound } from "../errors.ts";
import { fieldsOf, parseFilters } from "../filters.ts";
import type { Metadata } from "../metadata/index.ts";
import type { Snapshots } from "../snapshots/snapshots.ts";
import type { Bundles } from "../tasks/bundle.ts";
import type { Tasks } from "../tasks/tasks.ts";
import type { ServiceHandlers } from "./handlers.ts";

export interface ContainerServiceOptions {
  /** The default runtime of containers. */
  readonly ociRuntime: string;
  readonly state: string;
  readonly metadata: Metadata;
  readonly snapshots: Snapshots;
  readonly bundles: Bundles;
  readonly tasks: Tasks;
}

export function containerService(options: ContainerServiceOptions): ServiceHandlers<"containers"> {
  const { metadata, snapshots, bundles, tasks } = options;
  const { containers, events, namespaces } = metadata;
  const get = (namespace: string, id: string) => {
    const container = containers.get(namespace, id);
    if (!container) throw notFound(`no such container: ${id}`);
    return container;
  };
  return {
    "containers.create": async ({ namespace, runtime, ...container }) =>
      events.publishing(() => {
        namespaces.ensure(namespace);
        const chosen = chooseRuntime(options, namespace, runtime ?? {});
        const snapshotter =
          container.snapshotKey === "" ? {} : { snapshotter: container.snapshotter ?? snapshots.snapshotters.default };
        const result = containers.insert(namespace, { ...container, ...snapshotter, runtime: chosen });
        if (!result) throw alreadyExists(`container ${container.id} already exists`);
        return { result, events: [{ namespace, topic: "/containers/create", id: container.id }] };
      }),
    "containers.get": async ({ namespace, id }) => get(namespace, id),
    "containers.list": async ({ namespace, filters }) => {
      const matches = parseFilters(filters);
      return {
        containers: containers
          .list(namespace)
          .filter((container) => matches(fieldsOf({ id: container.id, image: container.image }, container.labels))),
      };
    },
    "containers.update": async ({ namespace, id, spec, labels, user }) =>
      events.publishing(() => {
        const before = get(namespace, id);
        const after = { spec: spec ?? before.spec, labels: labels ?? before.labels, user: user ?? before.user };
        const result = containers.update(namespace, { ...before, ...after });
        return { result, events: [{ namespace, topic: "/containers/update", id }] };
      }),
    "containers.delete": async ({ namespace, id }, { signal }) =>
      await tasks.exclusive({ namespace, containerId: id }, signal, async () => {
        if (tasks.find(namespace, id)) throw failedPrecondition(`container ${id} has a task: delete that first`);
        events.publishing(() => {
          if (!containers.delete(namespace, id)) throw notFound(`no such container: ${id}`);
          return { result: undefined, events: [{ namespace, topic: "/containers/delete", id }] };
        });
        const isLeft = bundles.isMounted(namespace, id) && !tasks.isCleaningUp(namespace, id);
        if (isLeft) await bundles.remove(namespace, id);
        return {};
      }),
    "containers.mountRootfs": async ({ namespace, id }, { signal }) =>
      await tasks.exclusive({ namespace, containerId: id }, signal, async () => {
        const container = get(namespace, id);
        await tasks.cleanedUp(namespace, id);
        // A caller that has given up would never unmount it.
        signal.throwIfAborted();
        return { path: bundles.mount(namespace, container) };
      }),
    "containers.unmountRootfs": async ({ namespace, id }, { signal }) =>
      await tasks.exclusive({ namespace, containerId: id }, signal, async () => {
        get(namespace, id);
        await tasks.cleanedUp(namespace, id);
        if (!tasks.find(namespace, id)) await bundles.remove(namespace, id);
        return {};
      }),
  };
}

type RequestedRuntime = NonNullable<RequestOf<(typeof supervisorContract.methods)["containers.create"]>["runtime"]>;

/** The supervisor's own runtime is called by messages; another one only by its command line, unless requested. */
function chooseRuntime(options: ContainerServiceOptions, namespace: string, requested: RequestedRuntime): Runtime {
  const { path = options.ociRuntime, root = `${options.state}/runtime/${namespace}`, args } = requested;
  const worker = requested.worker ?? path === options.ociRuntime;
  return { path, root, worker, ...(args ? { args } : {}) };
}
