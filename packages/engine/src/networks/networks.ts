import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "@gantry/common/clock";
import type { NativeSys } from "@gantry/native-sys";
import { invalid, notFound } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { containerOf } from "../spec/namespaces.ts";
import type { Documents } from "../store/documents.ts";
import type { EventHub } from "../system/event-hub.ts";
import { AddressPool } from "./address-pool.ts";
import { type Endpoint, type EndpointRequest, type NetworkedContainer, unplaced } from "./endpoint.ts";
import type { Firewall } from "./firewall.ts";
import type { Flows } from "./flows.ts";
import { HostsFiles } from "./hosts-files.ts";
import { parseAddress } from "./ipv4.ts";
import { isUserDefined, type Member, type Network } from "./network.ts";
import type { Publication } from "./publication.ts";
import { Publisher } from "./publisher.ts";
import { Sandboxes } from "./sandbox.ts";

export interface NetworksOptions {
  readonly native: NativeSys;
  readonly clock: Clock;
  readonly database: DatabaseSync;
  readonly documents: Documents<Network>;
  readonly events: EventHub;
  readonly log: Log;
  readonly netnsDirectory: string;
  readonly firewall: Firewall;
  readonly flows: Flows;
  readonly proxyPath: string | undefined;
  /** Documents of all containers. */
  readonly containers: () => Iterable<NetworkedContainer>;
}

/** Networks by name and id, with their addresses, network namespaces and published ports. */
export class Networks {
  readonly options: NetworksOptions;
  readonly addresses: AddressPool;
  readonly sandboxes: Sandboxes;
  readonly publisher: Publisher;
  readonly hosts = new HostsFiles();
  readonly #byId = new Map<string, Network>();

  constructor(options: NetworksOptions) {
    this.options = options;
    this.addresses = new AddressPool(options.database);
    this.sandboxes = new Sandboxes(options.netnsDirectory, options.proxyPath === undefined);
    const { native, log, proxyPath, firewall, flows } = options;
    this.publisher = new Publisher({ native, log, proxyPath, firewall, flows });
    for (const network of options.documents.load().documents) this.#byId.set(network.id, network);
  }

  all(): Network[] {
    return [...this.#byId.values()];
  }

  /** By name, id, or start of an id. */
  lookup(reference: string): Network | undefined {
    const all = this.all();
    const exact = this.#byId.get(reference) ?? all.find((network) => network.name === reference);
    if (exact) return exact;
    const matches = /^[0-9a-f]+$/.test(reference) ? all.filter((network) => network.id.startsWith(reference)) : [];
    if (matches.length > 1)
      throw invalid(`network ${reference} is ambiguous (${matches.length} matches found based on ID prefix)`);
    return matches[0];
  }

  /** @throws RpcError NotFound */
  find(reference: string): Network {
    const network = this.lookup(reference);
    if (!network) throw notFound(`network ${reference} not found`);
    return network;
  }

  /** Checks a NetworkMode. @throws RpcError NotFound */
  checkMode(mode: string): void {
    if (containerOf(mode) === undefined) this.find(mode);
  }

  save(network: Network): void {
    this.#byId.set(network.id, network);
    this.options.documents.put(network.id, network);
  }

  forget(network: Network): void {
    this.#byId.delete(network.id);
    this.options.documents.delete(network.id);
    this.addresses.releaseAll(network.id);
  }

  /** A new endpoint, without an address as yet. @throws RpcError InvalidArgument for a bad address */
  newEndpoint(network: Network, request: EndpointRequest): Endpoint {
    checkEndpoint(network, request);
    const wantedAddress = request.IPAMConfig?.IPv4Address ?? "";
    const wantedMac = request.MacAddress ?? "";
    return {
      networkId: network.id,
      aliases: [...(request.Aliases ?? [])],
      wantedAddress,
      wantedMac,
      ...unplaced,
    };
  }

  /** Running containers in a network. */
  members(network: Network): Member[] {
    const members: Member[] = [];
    for (const container of this.options.containers()) {
      const endpoint = container.endpoints[network.name];
      if (!endpoint || endpoint.endpointId === "") continue;
      members.push({
        containerId: container.id,
        containerName: container.name,
        endpointId: endpoint.endpointId,
        mac: endpoint.mac,
        address: endpoint.address,
        prefixLength: endpoint.prefixLength,
      });
    }
    return members;
  }

  /** Replaces the kernel's rules by those of the networks and published ports. @param options.without a container's id */
  async rebuildRules(options: { readonly without?: string } = {}): Promise<void> {
    const published = [...this.options.containers()].flatMap((container) => {
      const publication = container.id === options.without ? undefined : this.publicationOf(container);
      return publication ? [{ publication, ports: container.ports }] : [];
    });
    await this.options.firewall.rebuild(this.all(), published);
  }

  /** Where a container's ports are published to: its first endpoint in a bridge network that is not internal. */
  publicationOf(container: NetworkedContainer): Publication | undefined {
    for (const endpoint of Object.values(container.endpoints)) {
      const network = this.#byId.get(endpoint.networkId);
      if (!network?.addresses || network.internal || endpoint.address === "") continue;
      return { containerName: container.name, network, containerIp: endpoint.address };
    }
    return undefined;
  }
}

/** @throws RpcError InvalidArgument for a setting that is wrong or that the network does not support */
function checkEndpoint(network: Network, { Aliases, IPAMConfig, MacAddress = "" }: EndpointRequest): void {
  const { IPv4Address = "", IPv6Address = "" } = IPAMConfig ?? {};
  const bad = (why: string) => invalid(`invalid config for network ${network.name}: invalid endpoint settings: ${why}`);
  if (IPv4Address !== "" && parseAddress(IPv4Address) === undefined) throw bad(`invalid IPv4 address: ${IPv4Address}`);
  if (!isUserDefined(network)) {
    if (IPv4Address !== "" || IPv6Address !== "") {
      throw bad("user-specified IP address is supported on user-defined networks only");
    }
    if ((Aliases ?? []).length > 0) throw bad("network-scoped aliases are only supported for user-defined networks");
  }
  if (IPv6Address !== "") throw bad(`the network has no subnet for the IPv6 address ${IPv6Address}`);
  if (MacAddress === "") return;
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(MacAddress)) throw bad(`${MacAddress} is not a valid mac address`);
  if (!network.addresses) throw bad("conflicting options: mac-address and the network mode");
}
