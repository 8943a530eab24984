import type { RegistryAuth } from "./auth.ts";
import type { RegistryAccess } from "./hosts.ts";

/** What a call may say of the registry that it concerns. */
export interface RegistryCall extends RegistryAccess {
  readonly auth?: RegistryAuth | undefined;
}
