import type { Network as NetworkView } from "@gantry/ipc/contracts/engine-types";
import { formatAddress, formatSubnet, type Subnet } from "./ipv4.ts";

/** The durable state of a network. */
export interface Network {
  readonly id: string;
  readonly name: string;
  readonly created: string;
  readonly driver: "bridge" | "host" | "null";
  /** Without routes or ports to the outside. */
  readonly internal: boolean;
  /** Of a bridge network alone. */
  readonly addresses?: NetworkAddresses;
  /** Name of the bridge's link; empty for other drivers. */
  readonly bridge: string;
  readonly mtu: number;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export interface NetworkAddresses {
  readonly subnet: Subnet;
  /** Part of the subnet from which containers' addresses are chosen. */
  readonly range: Subnet;
  readonly gateway: number;
}

/** Networks that always exist and cannot be removed. */
export const predefined: readonly string[] = ["bridge", "host", "none"];

/** Whether a user created the network: in such a network containers resolve each other's names. */
export function isUserDefined(network: Network): boolean {
  return !predefined.includes(network.name);
}

export interface Member {
  readonly containerId: string;
  readonly containerName: string;
  readonly endpointId: string;
  readonly mac: string;
  readonly address: string;
  readonly prefixLength: number;
}

/** As `docker network inspect`. */
export function showNetwork(network: Network, members: readonly Member[]): NetworkView {
  const { addresses } = network;
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: "local",
    Driver: network.driver,
    EnableIPv6: false,
    IPAM: {
      Driver: "default",
      Options: null,
      Config: addresses
        ? [
            {
              Subnet: formatSubnet(addresses.subnet),
              ...(addresses.range.bits === addresses.subnet.bits ? {} : { IPRange: formatSubnet(addresses.range) }),
              Gateway: formatAddress(addresses.gateway),
            },
          ]
        : [],
    },
    Internal: network.internal,
    Attachable: false,
    Ingress: false,
    Containers: Object.fromEntries(members.map((member) => [member.containerId, showMember(member)])),
    Options: { ...network.options },
    Labels: { ...network.labels },
  };
}

function showMember(member: Member) {
  return {
    Name: member.containerName,
    EndpointID: member.endpointId,
    MacAddress: member.mac,
    IPv4Address: member.address === "" ? "" : `${member.address}/${member.prefixLength}`,
    IPv6Address: "",
  };
}
