import type { Handlers } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import type { Execs } from "../execs/execs.ts";

type Methods = (typeof engineContract)["methods"];

export function execHandlers(execs: Execs): Pick<Handlers<Methods>, Extract<keyof Methods, `exec${string}`>> {
  return {
    execCreate: async (request) => ({ Id: await execs.create(request) }),
    execStart: ({ Id, Detach }, context) => execs.start(Id, Detach ?? false, context),
    execInspect: async ({ Id }) => execs.inspect(Id),
    execResize: async ({ Id, Height, Width }) => {
      await execs.resize(Id, Width, Height);
      return {};
    },
  };
}
