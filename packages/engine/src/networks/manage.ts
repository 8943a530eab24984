import type { RequestOf } from "@gantry/ipc";
import { RpcError } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import { conflict, exists, invalid } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { ensureBridge, removeBridge } from "./bridge.ts";
import { contains, overlap, parseAddress, parseCidr, type Subnet } from "./ipv4.ts";
import { isUserDefined, type Network, type NetworkAddresses } from "./network.ts";
import type { Networks } from "./networks.ts";
import { freeSubnet, routedSubnets } from "./subnets.ts";

type CreateRequest = RequestOf<(typeof engineContract.methods)["networkCreate"]>;

const DEFAULT_MTU = 1500;
const bridgeOption = "com.docker.network.bridge.name";
const switches = ["com.docker.network.bridge.enable_ip_masquerade", "com.docker.network.bridge.enable_icc"];
const knownOptions = [bridgeOption, "com.docker.network.driver.mtu", ...switches];

/** Creates a bridge network. @throws RpcError AlreadyExists, InvalidArgument, FailedPrecondition */
export async function createNetwork(networks: Networks, request: CreateRequest): Promise<Network> {
  const { Name: name, Options: options = {}, Labels: labels = {} } = request;
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name))
    throw invalid(`invalid network name: "${name}": only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  if (networks.all().some((other) => other.name === name)) throw exists(`network with name ${name} already exists`);
  if (request.Driver && request.Driver !== "bridge") {
    throw invalid(
      `could not find plugin ${request.Driver} in v1 plugin registry: plugin not found: bridge is the only driver`,
    );
  }
  checkOptions(options);
  const id = newId();
  const addresses = await addressesFor(networks, request.IPAM?.Config ?? []);
  const network: Network = {
    id,
    name,
    created: networks.options.clock.now(),
    driver: "bridge",
    internal: request.Internal ?? false,
    addresses,
    bridge: bridgeName(networks, options[bridgeOption] || `br-${id.slice(0, 12)}`),
    mtu: mtuOf(options),
    options: { ...options },
    labels: { ...labels },
  };
  try {
    networks.save(network);
    await raiseBridge(networks, network);
    await networks.rebuildRules();
  } catch (error) {
    networks.forget(network);
    removeBridge(network.bridge);
    throw error;
  }
  networks.options.events.emit("network", "create", id, { name, type: "bridge" });
  return network;
}

/** @throws RpcError InvalidArgument naming an option that has no effect here, or a wrong value */
function checkOptions(options: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(options)) {
    if (!knownOptions.includes(key)) {
      throw invalid(`network option ${key} is not supported: the bridge driver has ${knownOptions.join(", ")}`);
    }
    if (switches.includes(key) && value !== "true" && value !== "false") {
      throw invalid(`invalid value "${value}" of network option ${key}: must be true or false`);
    }
  }
}

/** @throws RpcError PermissionDenied for a predefined one, FailedPrecondition for one in use */
export async function removeNetwork(networks: Networks, network: Network): Promise<void> {
  if (!isUserDefined(network)) {
    throw new RpcError("PermissionDenied", `${network.name} is a pre-defined network and cannot be removed`);
  }
  if (networks.members(network).length > 0) {
    throw conflict(`error while removing network: network ${network.name} id ${network.id} has active endpoints`);
  }
  networks.forget(network);
  removeBridge(network.bridge);
  await networks.rebuildRules();
  networks.options.events.emit("network", "destroy", network.id, { name: network.name, type: "bridge" });
}

/** Creates a network's bridge, if it has one, and sets it up. */
async function raiseBridge(networks: Networks, network: Network): Promise<void> {
  await ensureBridge(network, networks.options.proxyPath === undefined);
}

export interface DefaultBridge {
  readonly bridge: string;
  /** Address and prefix of the bridge; undefined: the present ones, or any free subnet. */
  readonly address: string | undefined;
}

/** Creates the predefined networks where they are missing, and the bridges and rules of all networks. */
export async function restoreNetworks(networks: Networks, standard: DefaultBridge): Promise<void> {
  for (const [name, driver] of [
    ["host", "host"],
    ["none", "null"],
  ] as const) {
    if (!networks.lookup(name)) networks.save(plainNetwork(networks, name, driver));
  }
  await restoreDefaultBridge(networks, standard);
  for (const network of networks.all()) await raiseBridge(networks, network);
  await networks.rebuildRules();
}

async function restoreDefaultBridge(networks: Networks, standard: DefaultBridge): Promise<void> {
  const present = networks.lookup("bridge");
  const wanted = standard.address === undefined ? undefined : bridgeAddress(standard.address);
  const same = present?.bridge === standard.bridge && (!wanted || wanted.gateway === present.addresses?.gateway);
  if (present && same) return;
  const addresses = wanted ?? present?.addresses ?? (await addressesFor(networks, []));
  const base = present ?? plainNetwork(networks, "bridge", "bridge");
  const options = { [bridgeOption]: standard.bridge, "com.docker.network.driver.mtu": String(DEFAULT_MTU) };
  networks.save({ ...base, addresses, bridge: standard.bridge, options });
}

function plainNetwork(networks: Networks, name: string, driver: Network["driver"]): Network {
  const id = newId();
  return {
    id,
    name,
    created: networks.options.clock.now(),
    driver,
    internal: false,
    bridge: "",
    mtu: DEFAULT_MTU,
    options: {},
    labels: {},
  };
}

/** Reads --bip: the bridge's address and the length of its network's prefix. @throws RpcError InvalidArgument */
export function bridgeAddress(text: string): NetworkAddresses {
  const parsed = parseCidr(text);
  if (!parsed || parsed.address === parsed.subnet.base || parsed.subnet.bits > 30) {
    throw invalid(`invalid bridge address "${text}": must be an address of a network, such as 172.30.0.1/16`);
  }
  return { subnet: parsed.subnet, range: parsed.subnet, gateway: parsed.address };
}

type IpamConfig = NonNullable<CreateRequest["IPAM"]>["Config"];

async function addressesFor(networks: Networks, config: IpamConfig): Promise<NetworkAddresses> {
  if (config.length > 1) throw invalid("a bridge network has one subnet");
  const [requested = {}] = config;
  const own = networks.all().flatMap((network) => (network.addresses ? [network.addresses.subnet] : []));
  if (!requested.Subnet) {
    if (requested.Gateway || requested.IPRange) throw invalid("an address of the gateway or a range needs a subnet");
    const subnet = freeSubnet([...own, ...(await routedSubnets())]);
    return { subnet, range: subnet, gateway: subnet.base + 1 };
  }
  const subnet = subnetOf(requested.Subnet);
  if (own.some((other) => overlap(other, subnet))) throw conflict("Pool overlaps with other one on this address space");
  const range = requested.IPRange ? subnetOf(requested.IPRange) : subnet;
  if (!contains(subnet, range.base) || range.bits < subnet.bits)
    throw invalid(`range ${requested.IPRange} is not in ${requested.Subnet}`);
  const gateway = requested.Gateway ? parseAddress(requested.Gateway) : subnet.base + 1;
  if (gateway === undefined || !contains(subnet, gateway))
    throw invalid(`no matching subnet for gateway ${requested.Gateway}`);
  return { subnet, range, gateway };
}

function subnetOf(text: string): Subnet {
  const parsed = parseCidr(text);
  if (!parsed) throw invalid(`invalid CIDR address: ${text}`);
  if (parsed.address !== parsed.subnet.base || parsed.subnet.bits > 30 || parsed.subnet.bits < 8) {
    throw invalid(`invalid subnet ${text}: must be the first address of a network of /8 to /30`);
  }
  return parsed.subnet;
}

function bridgeName(networks: Networks, name: string): string {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$/.test(name))
    throw invalid(`invalid bridge name "${name}": must have 1 to 15 letters, digits, '_', '.' or '-'`);
  if (networks.all().some((other) => other.bridge === name))
    throw conflict(`bridge ${name} belongs to another network`);
  return name;
}

function mtuOf(options: Readonly<Record<string, string>>): number {
  const text = options["com.docker.network.driver.mtu"];
  if (text === undefined) return DEFAULT_MTU;
  const mtu = Number(text);
  if (!/^\d+$/.test(text) || mtu < 68 || mtu > 65535) throw invalid(`invalid MTU "${text}": must be 68 to 65535`);
  return mtu;
}
