import type { Handlers } from "@gantry/ipc";
import type { supervisorContract } from "@gantry/ipc/contracts/supervisor";

type Methods = typeof supervisorContract.methods;

/** All handlers of the contract. */
export type SupervisorHandlers = Handlers<Methods>;

/** The handlers of one noun: `images` has images.list, images.pull, … */
export type ServiceHandlers<Noun extends string> = Pick<
  SupervisorHandlers,
  Extract<keyof Methods, `${Noun}.${string}`>
>;
