import type { Handlers } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import { type FileDeps, updateNeighbours } from "../containers/files.ts";
import { admit } from "../containers/lifecycle/table.ts";
import { addToNetwork, takeFromNetwork } from "../networks/endpoint-changes.ts";
import { listNetworks, pruneNetworks } from "../networks/list.ts";
import { createNetwork, removeNetwork } from "../networks/manage.ts";
import { showNetwork } from "../networks/network.ts";

type Methods = (typeof engineContract)["methods"];

export function networkHandlers(deps: FileDeps): Pick<Handlers<Methods>, Extract<keyof Methods, `network${string}`>> {
  const { networks, registry } = deps;
  return {
    networkCreate: async (request) => ({ Id: (await createNetwork(networks, request)).id, Warning: "" }),
    networkList: async ({ Filters }) => ({ Networks: listNetworks(networks, Filters ?? {}) }),
    networkInspect: async ({ Id }) => {
      const network = networks.find(Id);
      return showNetwork(network, networks.members(network));
    },
    networkRemove: async ({ Id }) => {
      await removeNetwork(networks, networks.find(Id));
      return {};
    },
    networkConnect: async ({ Id, Container, EndpointConfig }) => {
      const network = networks.find(Id);
      const container = registry.find(Container);
      await container.lifecycle.exclusive(async () => {
        admit("connect", container);
        addToNetwork(networks, container.document, network, EndpointConfig ?? {});
        registry.save(container);
        await updateNeighbours(deps, container.document);
      });
      return {};
    },
    networkDisconnect: async ({ Id, Container, Force }) => {
      const network = networks.find(Id);
      const container = registry.find(Container);
      await container.lifecycle.exclusive(async () => {
        admit("connect", container);
        const before = structuredClone(container.document);
        await takeFromNetwork(networks, container.document, { network, force: Force ?? false });
        registry.save(container);
        await updateNeighbours(deps, before);
      });
      return {};
    },
    networkPrune: async ({ Filters }) => ({ NetworksDeleted: await pruneNetworks(networks, Filters ?? {}) }),
  };
}
