import type { Filters, Network as NetworkView } from "@gantry/ipc/contracts/engine-types";
import { booleanFilter, checkFilters, matchesLabels, namePattern } from "../base/filters.ts";
import { removeNetwork } from "./manage.ts";
import { isUserDefined, type Network, showNetwork } from "./network.ts";
import type { Networks } from "./networks.ts";

/** Networks that match. @throws RpcError InvalidArgument for an unknown filter */
export function listNetworks(networks: Networks, filters: Filters): NetworkView[] {
  checkFilters(filters, ["dangling", "driver", "id", "label", "name", "scope", "type"]);
  const dangling = booleanFilter(filters, "dangling");
  const any = (key: string, test: (value: string) => boolean) => {
    const values = filters[key] ?? [];
    return values.length === 0 || values.some(test);
  };
  return networks
    .all()
    .filter((network) => any("name", (value) => namePattern(value).test(network.name)))
    .filter((network) => any("id", (value) => network.id.startsWith(value)))
    .filter((network) => any("driver", (value) => network.driver === value))
    .filter(() => any("scope", (value) => value === "local"))
    .filter((network) => any("type", (value) => (value === "custom") === isUserDefined(network)))
    .filter((network) => matchesLabels(network.labels, filters["label"] ?? []))
    .filter((network) => dangling === undefined || isDangling(networks, network) === dangling)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((network) => showNetwork(network, networks.members(network)));
}

function isDangling(networks: Networks, network: Network): boolean {
  return isUserDefined(network) && networks.members(network).length === 0;
}

/** Removes user-defined networks without containers. */
export async function pruneNetworks(networks: Networks, filters: Filters): Promise<string[]> {
  checkFilters(filters, ["label", "label!"]);
  const removed: string[] = [];
  for (const network of networks.all()) {
    if (!isDangling(networks, network) || !matchesLabels(network.labels, filters["label"] ?? [])) continue;
    if ((filters["label!"] ?? []).some((label) => matchesLabels(network.labels, [label]))) continue;
    await removeNetwork(networks, network);
    removed.push(network.name);
  }
  return removed;
}
