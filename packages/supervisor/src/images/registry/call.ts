import type { RegistryAuth } from "./auth.ts";
import type { RegistryAccess } from "./hosts.ts";

/** Fields of a call that concern the registry. */
export interface RegistryCall extends RegistryAccess {
  readonly auth?: RegistryAuth | undefined;
}
