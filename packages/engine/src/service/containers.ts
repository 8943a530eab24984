import type { Handlers } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import { type CommitDeps, commitContainer } from "../containers/commit.ts";
import type { Container } from "../containers/container.ts";
import { type CreateDeps, createContainer } from "../containers/create/create.ts";
import { containerEvent } from "../containers/events.ts";
import type { Admission } from "../containers/lifecycle/admission.ts";
import { pauseContainer, unpauseContainer } from "../containers/lifecycle/pause.ts";
import { type RemoveDeps, removeContainer } from "../containers/lifecycle/remove.ts";
import { type RestartDeps, restartContainer } from "../containers/lifecycle/restart.ts";
import { startContainer } from "../containers/lifecycle/start.ts";
import { killContainer, stopContainer } from "../containers/lifecycle/stop.ts";
import { admit } from "../containers/lifecycle/table.ts";
import { waitContainer } from "../containers/lifecycle/wait.ts";
import { pruneContainers } from "../containers/prune.ts";
import { renameContainer } from "../containers/rename.ts";
import { type AttachDeps, attachContainer } from "../containers/streams/attach.ts";
import { containerLogs } from "../containers/streams/logs.ts";
import { type InspectDeps, inspectContainer } from "../containers/view/inspect.ts";
import { type ListDeps, listContainers } from "../containers/view/list.ts";

type Methods = (typeof engineContract)["methods"];
type Names = Extract<keyof Methods, `container${string}`>;

export interface ContainerServiceDeps
  extends AttachDeps,
    CommitDeps,
    CreateDeps,
    InspectDeps,
    ListDeps,
    RemoveDeps,
    RestartDeps {
  readonly admission: Admission;
}

export function containerHandlers(deps: ContainerServiceDeps): Pick<Handlers<Methods>, Names> {
  const find = (id: string): Container => deps.registry.find(id);
  return { ...lifecycleHandlers(deps, find), ...viewHandlers(deps, find), ...streamHandlers(deps, find) };
}

type Find = (reference: string) => Container;

function lifecycleHandlers(deps: ContainerServiceDeps, find: Find) {
  const { admission } = deps;
  return {
    containerCreate: async (request) => {
      const { id, warnings } = await admission.run(() => createContainer(deps, request));
      return { Id: id, Warnings: warnings };
    },
    containerStart: async ({ Id, ConsoleSize }) =>
      done(admission.run(() => startContainer(deps, find(Id), ConsoleSize))),
    containerStop: async ({ Id, Signal, Timeout }) =>
      done(stopContainer(deps, find(Id), { signal: Signal, timeout: Timeout })),
    containerRestart: async ({ Id, Signal, Timeout }) =>
      done(restartContainer(deps, find(Id), { signal: Signal, timeout: Timeout })),
    containerKill: async ({ Id, Signal }) => done(killContainer(deps, find(Id), Signal ?? "")),
    containerPause: async ({ Id }) => done(pauseContainer(deps, find(Id))),
    containerUnpause: async ({ Id }) => done(unpauseContainer(deps, find(Id))),
    containerRename: async ({ Id, Name }) => done(renameContainer(deps, find(Id), Name)),
    containerRemove: async ({ Id, Force, RemoveVolumes }) =>
      done(removeContainer(deps, find(Id), { force: Force ?? false, volumes: RemoveVolumes ?? false })),
    containerPrune: ({ Filters }) => pruneContainers(deps, Filters ?? {}),
    containerCommit: async ({ Id, ...request }) => ({ Id: await commitContainer(deps, find(Id), request) }),
  } satisfies Partial<Handlers<Methods>>;
}

function viewHandlers(deps: ContainerServiceDeps, find: Find) {
  return {
    containerList: async (request) => ({ Containers: await listContainers(deps, request) }),
    containerInspect: ({ Id, Size }) => inspectContainer(deps, find(Id), Size ?? false),
    containerTop: async ({ Id }) => {
      const container = find(Id);
      await container.lifecycle.exclusive(async () => admit("top", container));
      return { Pids: await deps.tasks.pids(container.id) };
    },
    containerWait: async ({ Id, Condition }) => {
      const { exitCode, error } = await waitContainer(find(Id), Condition ?? "not-running");
      return { StatusCode: exitCode, ...(error === "" ? {} : { Error: { Message: error } }) };
    },
  } satisfies Partial<Handlers<Methods>>;
}

function streamHandlers(deps: ContainerServiceDeps, find: Find) {
  return {
    containerResize: async ({ Id, Height, Width }) => {
      const container = find(Id);
      await container.lifecycle.exclusive(async () => admit("resize", container));
      await deps.tasks.resize({ containerId: container.id }, { width: Width, height: Height });
      containerEvent(deps, container, "resize", { height: String(Height), width: String(Width) });
      return {};
    },
    containerLogs: async (request, context) => {
      const sink = (stream: "stdout" | "stderr", text: string) => context.send({ stream }, Buffer.from(text));
      await containerLogs(deps, find(request.Id), request, { sink, signal: context.signal });
      return {};
    },
    containerAttach: async ({ Id, Stdin, Stdout, Stderr, Logs }, context) => {
      const container = find(Id);
      if (Logs) {
        const request = { Id, Stdout, Stderr };
        const sink = (stream: "stdout" | "stderr", text: string) => context.send({ stream }, Buffer.from(text));
        await containerLogs(deps, container, request, { sink, signal: context.signal });
      }
      return attachContainer(deps, container, { stdin: Stdin, stdout: Stdout, stderr: Stderr }, context);
    },
  } satisfies Partial<Handlers<Methods>>;
}

async function done(work: Promise<unknown>): Promise<Record<string, never>> {
  await work;
  return {};
}
