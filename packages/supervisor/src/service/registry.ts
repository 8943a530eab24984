import type { IdleMemory } from "@gantry/common/memory";
import type { ImageStore } from "../images/image-store.ts";
import { ProgressReporter } from "../images/progress.ts";
import { fetchObject } from "../images/pull/fetch-object.ts";
import { pullImage } from "../images/pull/pull.ts";
import { pushImage } from "../images/push/push.ts";
import { pushObject } from "../images/push/push-object.ts";
import { checkLogin, listTags } from "../images/registry/calls.ts";
import type { SupervisorHandlers } from "./handlers.ts";

type RegistryMethods =
  | "images.pull"
  | "images.push"
  | "images.fetchObject"
  | "images.pushObject"
  | "images.listTags"
  | "images.login";

export interface RegistryParts {
  readonly images: ImageStore;
  readonly memory: IdleMemory;
  /** Directories with HOST/hosts.toml or HOST/*.crt. */
  readonly registryDirectories: readonly string[];
}

/** Transfers between the stores and registries. */
export function registryMethods(parts: RegistryParts): Pick<SupervisorHandlers, RegistryMethods> {
  const { images, memory, registryDirectories: directories } = parts;
  return {
    "images.pull": async (request, { send, signal }) => {
      const progress = new ProgressReporter(send);
      const result = await memory.during(() => pullImage({ images, directories, progress }, request, signal));
      await progress.flush();
      return result;
    },
    "images.push": async (request, { send, signal }) => {
      const progress = new ProgressReporter(send);
      const target = await memory.during(() => pushImage({ images, directories, progress }, request, signal));
      await progress.flush();
      return { target };
    },
    "images.fetchObject": async (request, { send, signal }) => {
      const write = (chunk: Buffer) => send({}, chunk);
      return { target: await fetchObject(request, { directories, signal, write }) };
    },
    "images.pushObject": async (request, { send, signal }) => {
      const progress = new ProgressReporter(send);
      const result = await memory.during(() => pushObject({ images, directories, progress }, request, signal));
      await progress.flush();
      return result;
    },
    "images.listTags": async (request, { signal }) => ({ tags: await listTags(request, directories, signal) }),
    "images.login": async (request, { signal }) => await checkLogin(request, directories, signal),
  };
}
