import type { DatabaseSync, StatementSync } from "node:sqlite";
import { conflict, invalid } from "../base/errors.ts";
import { contains, formatAddress, formatSubnet, type Subnet, sizeOf } from "./ipv4.ts";

/** The allocated addresses of every network. An allocation is durable when it returns, and no address is allocated twice. */
export class AddressPool {
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #select: StatementSync;
  readonly #taken = new Map<string, Set<number>>();
  /** The last allocated address: the search continues after it, so that a released one is reused as late as possible. */
  readonly #last = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare("INSERT INTO addresses (network, address, container) VALUES (?, ?, ?)");
    this.#delete = database.prepare("DELETE FROM addresses WHERE network = ? AND address = ?");
    this.#select = database.prepare("SELECT network, address, container FROM addresses");
    for (const { network, address } of this.entries()) this.#set(network).add(address);
    for (const [network, set] of this.#taken) this.#last.set(network, Math.max(...set));
  }

  entries(): { network: string; address: number; container: string }[] {
    return this.#select.all().map((row) => ({
      network: String(row["network"]),
      address: Number(row["address"]),
      container: String(row["container"]),
    }));
  }

  /**
   * Allocates the requested address, or the next free one after the last allocation.
   * @param range part of the subnet from which addresses are chosen
   * @throws RpcError FailedPrecondition when none is free, InvalidArgument for one outside the subnet
   */
  allocate(request: AddressRequest): number {
    const { network, container, wanted } = request;
    const address = wanted === undefined ? this.#next(request) : this.#wanted(request, wanted);
    this.#set(network).add(address);
    this.#insert.run(network, address, container);
    if (wanted === undefined) this.#last.set(network, address);
    return address;
  }

  release(network: string, address: number): void {
    if (this.#taken.get(network)?.delete(address)) this.#delete.run(network, address);
  }

  /** Releases all addresses of a network. */
  releaseAll(network: string): void {
    for (const address of [...(this.#taken.get(network) ?? [])]) this.release(network, address);
    this.#taken.delete(network);
    this.#last.delete(network);
  }

  #set(network: string): Set<number> {
    const present = this.#taken.get(network);
    if (present) return present;
    const made = new Set<number>();
    this.#taken.set(network, made);
    return made;
  }

  #wanted({ network, subnet, gateway }: AddressRequest, wanted: number): number {
    if (!usable(subnet, wanted)) {
      throw invalid(
        `invalid address ${formatAddress(wanted)}: it does not belong to the subnet ${formatSubnet(subnet)}`,
      );
    }
    if (wanted === gateway || this.#set(network).has(wanted)) throw conflict("Address already in use");
    return wanted;
  }

  #next({ network, subnet, range, gateway }: AddressRequest): number {
    const taken = this.#set(network);
    const size = sizeOf(range.bits);
    const last = this.#last.get(network) ?? range.base - 1;
    const start = contains(range, last + 1) ? last + 1 : range.base;
    for (let step = 0; step < size; step++) {
      const address = range.base + ((start - range.base + step) % size);
      if (usable(subnet, address) && address !== gateway && !taken.has(address)) return address;
    }
    throw conflict(`no available IPv4 addresses on this network's address pools: ${formatSubnet(range)}`);
  }
}

export interface AddressRequest {
  readonly network: string;
  readonly container: string;
  readonly subnet: Subnet;
  readonly range: Subnet;
  readonly gateway: number;
  readonly wanted?: number;
}

/** Not for the network's own address and its broadcast address. */
function usable(subnet: Subnet, address: number): boolean {
  if (!contains(subnet, address)) return false;
  return subnet.bits >= 31 || (address !== subnet.base && address !== subnet.base + sizeOf(subnet.bits) - 1);
}
