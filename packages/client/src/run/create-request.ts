import type { FlagValues, Parsed } from "@gantry/cli";
import { defined } from "@gantry/cli";
import type { RequestOf } from "@gantry/ipc";
import type { EngineMethods } from "../engine/connect.ts";

import { containerConfig } from "./container-config.ts";
import type { createFlags } from "./create-flags.ts";
import { hostConfig } from "./host-config.ts";
import { networking } from "./networking.ts";

export type CreateValues = FlagValues<typeof createFlags>;
export type CreateRequest = RequestOf<EngineMethods["containerCreate"]>;

/** The inputs of a create request beside the flags. */
export interface CreateContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The client does not wait for the container. */
  readonly detach: boolean;
}

/**
 * The engine's request for `create` and `run`.
 * @throws UsageError of a flag's value; Error of several flags that do not go together
 */
export function createRequest(parsed: Parsed<typeof createFlags>, context: CreateContext): CreateRequest {
  const { values } = parsed;
  checkConflicts(values);
  const joins = networking(values);
  return defined({
    Name: values.name,
    Config: containerConfig(parsed, context),
    HostConfig: { ...hostConfig(parsed, context), ...joins.hostConfig },
    NetworkingConfig: joins.networkingConfig,
    Platform: values.platform,
  }) as CreateRequest;
}

function checkConflicts(values: CreateValues): void {
  if (values.rm && values.restart && values.restart !== "no") {
    throw new Error("Conflicting options: --restart and --rm");
  }
  if (values.cpus !== undefined && (values["cpu-period"] !== undefined || values["cpu-quota"] !== undefined)) {
    throw new Error("Conflicting options: --cpus and --cpu-period or --cpu-quota");
  }
  if (values["log-driver"] === "none" && values["log-opt"].length > 0) {
    throw new Error("invalid logging opts for driver none");
  }
}
