import { unimplemented } from "../errors.ts";
import type { IdleMemory } from "../idle-memory.ts";
import type { ImageStore } from "../images/image-store.ts";
import { ProgressReporter } from "../images/progress.ts";
import { pullImage } from "../images/pull.ts";
import type { SupervisorHandlers } from "./handlers.ts";

type RegistryMethods = "images.pull" | "images.push" | "images.listTags" | "images.login";

/** Images between here and registries. */
export function registryMethods(images: ImageStore, memory: IdleMemory): Pick<SupervisorHandlers, RegistryMethods> {
  return {
    "images.pull": async (request, { send, signal }) => {
      const progress = new ProgressReporter(send);
      const result = await memory.during(() => pullImage(images, request, progress, signal));
      await progress.flush();
      return result;
    },
    "images.push": async () => {
      throw unimplemented("push");
    },
    "images.listTags": async () => {
      throw unimplemented("listTags");
    },
    "images.login": async () => {
      throw unimplemented("login");
    },
  };
}
