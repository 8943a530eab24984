import { invalid } from "../../base/errors.ts";
import { containerOf } from "../../spec/namespaces.ts";
import { isPublishing } from "./host-config.ts";
import type { CreateRequest } from "./request.ts";

/**
 * Checks that the settings of a container's network go together, before the image is looked up.
 * @throws RpcError InvalidArgument with Docker's message
 */
export function checkNetworkSettings(request: CreateRequest): void {
  const mode = request.HostConfig?.NetworkMode || "bridge";
  const container = mode === "container" ? "" : containerOf(mode);
  if (container !== undefined) checkSharedNetwork(request, container);
  else checkEndpoints(request, mode);
  if (request.HostConfig?.UTSMode === "host" && request.Config.Hostname) {
    throw conflicting("hostname and the UTS mode");
  }
}

/** Refuses settings of a network of the container's own where it shares another container's. */
function checkSharedNetwork({ Config, HostConfig = {}, NetworkingConfig }: CreateRequest, container: string): void {
  if (container === "") throw invalid("invalid network mode: invalid container format container:<name|id>");
  const endpoints = Object.values(NetworkingConfig?.EndpointsConfig ?? {});
  const conflicts: readonly (readonly [isSet: boolean, what: string])[] = [
    [Boolean(Config.Hostname), "hostname and the network mode"],
    [(HostConfig.Dns ?? []).length > 0, "dns and the network mode"],
    [(HostConfig.DnsSearch ?? []).length > 0, "dns search and the network mode"],
    [(HostConfig.DnsOptions ?? []).length > 0, "dns options and the network mode"],
    [(HostConfig.ExtraHosts ?? []).length > 0, "custom host-to-IP mapping and the network mode"],
    [isPublishing(HostConfig), "port publishing and the container type network mode"],
    [Object.keys(Config.ExposedPorts ?? {}).length > 0, "port exposing and the container type network mode"],
    [endpoints.some(({ MacAddress }) => Boolean(MacAddress)), "mac-address and the network mode"],
    [endpoints.length > 0, "endpoint settings and the network mode"],
  ];
  const found = conflicts.find(([isSet]) => isSet);
  if (found) throw conflicting(found[1]);
}

function checkEndpoints({ NetworkingConfig }: CreateRequest, mode: string): void {
  const endpoints = Object.entries(NetworkingConfig?.EndpointsConfig ?? {});
  const others = endpoints.filter(([name]) => name !== mode);
  if (others.length === 0) return;
  if (mode === "host" || others.some(([name]) => name === "host")) {
    throw invalid(
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
  }
  if (mode === "none" || others.some(([name]) => name === "none")) {
    throw invalid("container cannot be connected to multiple networks with one of the networks in private (none) mode");
  }
}

function conflicting(what: string): Error {
  return invalid(`conflicting options: ${what}`);
}
