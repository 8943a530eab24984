import type { Network } from "./network.ts";
import type { PublishedPort } from "./port-spec.ts";

/** The container and the network of it that ports are published for. */
export interface Publication {
  readonly containerName: string;
  readonly network: Network;
  readonly containerIp: string;
}

/** The ports that one container has published. */
export interface PublishedPorts {
  readonly publication: Publication;
  readonly ports: readonly PublishedPort[];
}
