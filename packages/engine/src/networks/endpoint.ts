import type { HostConfig } from "@gantry/ipc/contracts/engine-types";
import type { PublishedPort } from "./port-spec.ts";

/** A container's place in a network. What `docker network connect` sets stays; the rest is set while the container runs. */
export interface Endpoint {
  readonly networkId: string;
  readonly aliases: readonly string[];
  /** The requested address; empty: any. */
  readonly wantedAddress: string;
  readonly wantedMac: string;
  /** Empty while the container does not run. */
  endpointId: string;
  address: string;
  prefixLength: number;
  gateway: string;
  mac: string;
}

/** The settings of a requested connection of a container to a network. */
export interface EndpointRequest {
  readonly Aliases?: readonly string[] | null | undefined;
  readonly MacAddress?: string | undefined;
  readonly IPAMConfig?: EndpointAddresses | null | undefined;
}

interface EndpointAddresses {
  readonly IPv4Address?: string | undefined;
  readonly IPv6Address?: string | undefined;
}

/** The part of a container's document that its networks read and write. */
export interface NetworkedContainer {
  readonly id: string;
  readonly name: string;
  readonly config: { readonly ExposedPorts?: Readonly<Record<string, unknown>> | null | undefined };
  readonly hostConfig: Pick<HostConfig, "NetworkMode" | "PortBindings" | "PublishAllPorts">;
  readonly state: { readonly Running: boolean };
  /** By network name. */
  readonly endpoints: Record<string, Endpoint>;
  /** Published ports, while the container runs. */
  ports: PublishedPort[];
  /** Those that are to be published again. */
  lostPorts?: PublishedPort[] | undefined;
}

/** The fields of an endpoint while its container does not run. */
export const unplaced = { endpointId: "", address: "", prefixLength: 0, gateway: "", mac: "" };
