import type { Handlers } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import type { EventHub } from "../system/event-hub.ts";
import { sendEvents } from "../system/events.ts";
import { type InfoDeps, infoView, versionView } from "../system/info.ts";

type Methods = (typeof engineContract)["methods"];

export function systemHandlers(
  deps: InfoDeps & { readonly events: EventHub },
  shutdown: () => Promise<void>,
): Pick<Handlers<Methods>, "ping" | "version" | "info" | "events" | "shutdown"> {
  return {
    ping: async () => ({}),
    version: async () => versionView(),
    info: () => infoView(deps),
    events: async (request, context) => {
      await sendEvents(deps.events, request, (event) => context.send(event), context.signal);
      return {};
    },
    shutdown: async () => {
      await shutdown();
      return {};
    },
  };
}
