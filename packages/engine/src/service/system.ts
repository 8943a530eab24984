import type { Handlers } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import type { World } from "../containers/world.ts";
import { sendEvents } from "../system/events.ts";
import { infoView, versionView } from "../system/info.ts";

type Methods = (typeof engineContract)["methods"];

export function systemHandlers(
  world: World,
  shutdown: () => Promise<void>,
): Pick<Handlers<Methods>, "ping" | "version" | "info" | "events" | "shutdown"> {
  return {
    ping: async () => ({}),
    version: async () => versionView(),
    info: () => infoView(world),
    events: async (request, context) => {
      await sendEvents(world.events, request, (event) => context.send(event), context.signal);
      return {};
    },
    shutdown: async () => {
      await shutdown();
      return {};
    },
  };
}
