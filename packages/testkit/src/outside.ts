import { makeNamespaces, type Namespaces } from "./namespaces.ts";

/** Another "machine" on the network: namespaces of its own, joined to the stack's by a pair of interfaces. */
export interface Outside extends Namespaces {
  /** The stack's address as the outside sees it: published ports answer there. */
  readonly hostAddress: string;
  /** The outside's own address. */
  readonly address: string;
}

const hostAddress = "10.213.77.1";
const address = "10.213.77.2";

/** Joins a new outside to the namespaces of a stack. */
export async function makeOutside(inside: Namespaces): Promise<Outside> {
  const outside = await makeNamespaces();
  const ready = await inside.sh(
    `ip link add outside0 type veth peer name eth0 netns ${outside.pid} &&
     ip addr add ${hostAddress}/24 dev outside0 && ip link set outside0 up`,
  );
  const joined = await outside.sh(
    `ip addr add ${address}/24 dev eth0 && ip link set eth0 up && ip route add default via ${hostAddress}`,
  );
  if (ready.code !== 0 || joined.code !== 0) {
    await outside[Symbol.asyncDispose]();
    throw new Error(`cannot join two network namespaces: ${ready.stderr}${joined.stderr}`);
  }
  return { ...outside, hostAddress, address };
}
