import type { HostConfig } from "@gantry/ipc/contracts/engine-types";
import { invalid } from "../../base/errors.ts";
import type { Networks } from "../../networks/networks.ts";
import { parsePortConfig } from "../../networks/port-spec.ts";
import type { HostFacts } from "../../spec/build.ts";
import { containerCapabilities } from "../../spec/capabilities.ts";
import { requestedDevices } from "../../spec/devices.ts";
import { containerSeccomp, parseSecurityOptions } from "../../spec/security.ts";
import type { Settings } from "../settings.ts";

export interface HostCheckDeps {
  readonly facts: HostFacts;
  readonly settings: Settings;
  readonly networks: Networks;
}

/** Checks settings that depend on this host and would otherwise only fail at the start. @throws RpcError InvalidArgument */
export async function checkAgainstHost(deps: HostCheckDeps, host: HostConfig): Promise<void> {
  const capabilities = containerCapabilities({
    privileged: host.Privileged ?? false,
    add: host.CapAdd ?? [],
    drop: host.CapDrop ?? [],
    available: deps.facts.capabilities,
  });
  containerSeccomp(parseSecurityOptions(host.SecurityOpt ?? []).seccomp, capabilities, deps.facts.arch);
  await requestedDevices(host.Devices ?? []);
  if (host.Runtime && !Object.hasOwn(deps.settings.runtimes, host.Runtime)) {
    throw invalid(`unknown or invalid runtime name: ${host.Runtime}`);
  }
  parsePortConfig(host.PortBindings ?? {});
  deps.networks.checkMode(host.NetworkMode ?? "");
}
