import type { Handlers } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import { conflict } from "../base/errors.ts";
import { attachContainer } from "../containers/attach.ts";
import { commitContainer } from "../containers/commit.ts";
import type { Container } from "../containers/container.ts";
import { createContainer } from "../containers/create.ts";
import { containerEvent } from "../containers/events.ts";
import { updateNeighbours } from "../containers/files.ts";
import { inspectContainer } from "../containers/inspect.ts";
import { listContainers } from "../containers/list.ts";
import { containerLogs } from "../containers/logs.ts";
import { checkedName } from "../containers/names.ts";
import { pauseContainer, unpauseContainer } from "../containers/pause.ts";
import { removeContainer } from "../containers/remove.ts";
import { startContainer } from "../containers/start.ts";
import { killContainer, stopContainer } from "../containers/stop.ts";
import { waitContainer } from "../containers/wait.ts";
import type { World } from "../containers/world.ts";

type Methods = (typeof engineContract)["methods"];
type Names = Extract<keyof Methods, `container${string}`>;

export function containerHandlers(world: World): Pick<Handlers<Methods>, Names> {
  const find = (id: string): Container => world.registry.find(id);
  return {
    containerCreate: async (request) => {
      const { id, warnings } = await createContainer(world, request);
      return { Id: id, Warnings: warnings };
    },
    containerStart: async ({ Id }) => done(startContainer(world, find(Id))),
    containerStop: async ({ Id, Signal, Timeout }) =>
      done(stopContainer(world, find(Id), { signal: Signal, timeout: Timeout })),
    containerRestart: async ({ Id, Signal, Timeout }) => {
      const container = find(Id);
      await stopContainer(world, container, { signal: Signal, timeout: Timeout });
      await startContainer(world, container);
      containerEvent(world, container, "restart");
      return {};
    },
    containerKill: async ({ Id, Signal }) => done(killContainer(world, find(Id), Signal ?? "")),
    containerPause: async ({ Id }) => done(pauseContainer(world, find(Id))),
    containerUnpause: async ({ Id }) => done(unpauseContainer(world, find(Id))),
    containerRename: async ({ Id, Name }) => {
      const container = find(Id);
      const oldName = `/${container.document.name}`;
      world.registry.rename(container, checkedName(Name));
      containerEvent(world, container, "rename", { oldName });
      await updateNeighbours(world, container.document);
      return {};
    },
    containerRemove: async ({ Id, Force, RemoveVolumes }) =>
      done(removeContainer(world, find(Id), { force: Force ?? false, volumes: RemoveVolumes ?? false })),
    containerList: async (request) => ({ Containers: await listContainers(world, request) }),
    containerInspect: ({ Id, Size }) => inspectContainer(world, find(Id), Size ?? false),
    containerTop: async ({ Id }) => {
      const container = find(Id);
      if (!container.alive) throw conflict(`container ${container.id} is not running`);
      const { processes } = await world.supervisor.call("tasks.pids", { containerId: container.id });
      return { Pids: processes.map(({ pid }) => pid) };
    },
    containerWait: async ({ Id, Condition }) => {
      const { exitCode, error } = await waitContainer(find(Id), Condition ?? "not-running");
      return { StatusCode: exitCode, ...(error === "" ? {} : { Error: { Message: error } }) };
    },
    containerCommit: async ({ Id, ...request }) => ({ Id: await commitContainer(world, find(Id), request) }),
    containerResize: async ({ Id, Height, Width }) => {
      const container = find(Id);
      if (!container.alive) throw conflict(`container ${container.id} is not running`);
      await world.supervisor.call("tasks.resizePty", { containerId: container.id, width: Width, height: Height });
      containerEvent(world, container, "resize", { height: String(Height), width: String(Width) });
      return {};
    },
    containerLogs: async (request, context) => {
      const sink = (stream: "stdout" | "stderr", text: string) => context.send({ stream }, Buffer.from(text));
      await containerLogs(world, find(request.Id), request, { sink, signal: context.signal });
      return {};
    },
    containerAttach: async ({ Id, Stdin, Stdout, Stderr, Logs }, context) => {
      const container = find(Id);
      if (Logs) {
        const request = { Id, Stdout, Stderr };
        const sink = (stream: "stdout" | "stderr", text: string) => context.send({ stream }, Buffer.from(text));
        await containerLogs(world, container, request, { sink, signal: context.signal });
      }
      return attachContainer(world, container, { stdin: Stdin, stdout: Stdout, stderr: Stderr }, context);
    },
  };
}

async function done(work: Promise<unknown>): Promise<Record<string, never>> {
  await work;
  return {};
}
