import { KeyedLock } from "@gantry/common/keyed-lock";
import { type Handlers, RpcError } from "@gantry/ipc";
import type { runtimeContract } from "@gantry/ipc/contracts/runtime";
import type { Host } from "../host.ts";
import { classify } from "../run/classify.ts";
import { createContainer } from "../run/create/create.ts";
import { deleteContainer } from "../run/delete.ts";
import { execInContainer } from "../run/exec.ts";
import { containerPids, containerState, containerStats } from "../run/inspect.ts";
import { killContainer } from "../run/kill.ts";
import { pauseContainer, resumeContainer } from "../run/limits/pause.ts";
import { updateContainer } from "../run/limits/update.ts";
import { startContainer } from "../run/start.ts";
import { Store } from "../state/store.ts";
import { withStreams } from "./streams.ts";

type Methods = (typeof runtimeContract)["methods"];

/**
 * The commands as messages. Operations on one container are done one after the other.
 * @param onRequest called before each request is processed
 */
export function runtimeHandlers(host: Host, onRequest: () => void = () => undefined): Handlers<Methods> {
  const locks = new KeyedLock();
  const act = <T>(request: { root: string; id: string }, work: (store: Store) => Promise<T>): Promise<T> => {
    onRequest();
    return locks.run(`${request.root}/${request.id}`, () => work(new Store(request.root))).catch(asRpcError);
  };
  const done = (work: Promise<unknown>) => work.then(() => ({}));
  return {
    create: (request) =>
      act(request, async (store) => {
        if (request.systemdCgroup) throw new RpcError("InvalidArgument", "systemdCgroup is not supported");
        const { id, bundle, keeper } = request;
        const options = { preserve: [], noPivot: false, newKeyring: true, sibling: true, keeper };
        const { pid, pidFd } = await withStreams(host, request.streams, (streams) =>
          createContainer(host, store, { id, bundle, ...streams, ...options }),
        );
        host.native.closeFd(pidFd);
        return { pid };
      }),
    start: (request) => done(act(request, (store) => startContainer(host, store, request.id))),
    exec: (request) =>
      act(request, async (store) => {
        const { id, process, keeper } = request;
        const { pid, pidFd } = await withStreams(host, request.streams, (streams) =>
          execInContainer(host, store, { id, process, ...streams, preserve: [], sibling: true, keeper }),
        );
        host.native.closeFd(pidFd);
        return { pid };
      }),
    kill: (request) =>
      done(act(request, (store) => killContainer(host, store, { ...request, all: request.all ?? false }))),
    delete: (request) =>
      done(act(request, (store) => deleteContainer(host, store, { id: request.id, force: request.force ?? false }))),
    state: (request) => act(request, async (store) => ({ ...containerState(host, store, request.id) })),
    pause: (request) => done(act(request, (store) => pauseContainer(host, store, request.id))),
    resume: (request) => done(act(request, (store) => resumeContainer(host, store, request.id))),
    pids: (request) => act(request, async (store) => ({ pids: containerPids(host, store, request.id) })),
    update: (request) => done(act(request, async (store) => updateContainer(host, store, request))),
    stats: (request) => act(request, async (store) => containerStats(host, store, request.id)),
  };
}

function asRpcError(error: unknown): never {
  if (error instanceof RpcError) throw error;
  const { code, reason, data } = classify(error);
  const all = { ...data, ...(reason === undefined ? {} : { reason }) };
  throw new RpcError(code, (error as Error).message, all, { cause: error });
}
