import type { Contract } from "./define.ts";
import { engineContract } from "./engine.ts";
import { runtimeContract } from "./runtime.ts";
import { shimContract } from "./shim.ts";
import { supervisorContract } from "./supervisor.ts";

/** All contracts of the project. */
export const contracts: readonly Contract[] = [engineContract, supervisorContract, shimContract, runtimeContract];
