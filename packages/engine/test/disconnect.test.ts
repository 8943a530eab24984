import { join } from "node:path";
import { Clock } from "@gantry/common/clock";
import { nativeSys } from "@gantry/native-sys";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { silent } from "../src/base/log.ts";
import type { NetworkedContainer } from "../src/networks/endpoint.ts";
import { takeFromNetwork } from "../src/networks/endpoint-changes.ts";
import type { Firewall } from "../src/networks/firewall.ts";
import { noFlows } from "../src/networks/flows.ts";
import type { Network } from "../src/networks/network.ts";
import { Networks } from "../src/networks/networks.ts";
import { openDatabase } from "../src/store/database.ts";
import { EventHub } from "../src/system/event-hub.ts";

const subnet = { base: (10 * 256 + 9) * 65536, bits: 24 };
const network: Network = {
  id: "a".repeat(64),
  name: "back",
  created: "",
  driver: "bridge",
  internal: false,
  addresses: { subnet, range: subnet, gateway: subnet.base + 1 },
  bridge: "br-test",
  mtu: 1500,
  options: {},
  labels: {},
};

function container(): NetworkedContainer {
  const endpoint = { networkId: network.id, aliases: [], wantedAddress: "", wantedMac: "", endpointId: "" };
  return {
    id: "c".repeat(64),
    name: "web",
    config: {},
    hostConfig: { NetworkMode: "back" },
    state: { Running: true },
    endpoints: { back: { ...endpoint, address: "10.9.0.2", prefixLength: 24, gateway: "10.9.0.1", mac: "" } },
    ports: [{ protocol: "tcp", containerPort: 80, hostIp: "127.0.0.1", hostPort: 18330, proxyPid: 0 }],
  };
}

/** Networks with a firewall that fails as long as `failing` says so, and counts its rebuilt rules. */
function networksOf(directory: string, document: NetworkedContainer) {
  const state = { failing: true, rebuilt: -1 };
  const fail = async () => {
    if (state.failing) throw new Error("iptables-restore: no memory");
  };
  const firewall: Firewall = {
    addPorts: fail,
    removePorts: async () => {
      throw new Error("iptables-restore: no such rule");
    },
    rebuild: async (_networks, published) => {
      await fail();
      state.rebuilt = published.flatMap(({ ports }) => ports).length;
    },
    clear: fail,
  };
  const clock = new Clock();
  const networks = new Networks({
    native: nativeSys(),
    database: openDatabase(":memory:"),
    documents: { load: () => ({ documents: [network], unreadable: [] }), put() {}, delete() {} },
    clock,
    events: new EventHub(clock),
    log: silent,
    netnsDirectory: join(directory, "netns"),
    firewall,
    flows: noFlows,
    proxyPath: undefined,
    containers: () => [document],
  });
  return { networks, state };
}

test("a disconnect that fails leaves the record's ports, and can be repeated", async (t) => {
  await using temp = tempDir("disconnect");
  const document = container();
  const { networks, state } = networksOf(temp.path, document);
  const before = structuredClone(document);
  await t.rejects(takeFromNetwork(networks, document, { network, force: false }), { message: /no memory/ });
  t.same(document, before, "nothing of the record has changed");
  state.failing = false;
  await takeFromNetwork(networks, document, { network, force: false });
  t.same([document.ports, document.endpoints], [[], {}]);
  t.equal(state.rebuilt, 0, "the rules that could not be removed one by one are rebuilt without them");
});
