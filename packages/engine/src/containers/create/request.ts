import type { ContainerConfig, HostConfig } from "@gantry/ipc/contracts/engine-types";
import type { EndpointRequest } from "../../networks/endpoint.ts";

export interface CreateRequest {
  readonly Name?: string | undefined;
  readonly Config: ContainerConfig;
  readonly HostConfig?: HostConfig | undefined;
  readonly NetworkingConfig?:
    | { readonly EndpointsConfig?: Readonly<Record<string, EndpointRequest>> | null | undefined }
    | undefined;
  readonly Platform?: string | undefined;
}
