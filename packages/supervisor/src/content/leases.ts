import { createHash } from "node:crypto";
import { notFound } from "../errors.ts";
import type { Metadata } from "../metadata/index.ts";
import { expireLabel } from "../metadata/leases.ts";

export interface LeaseOptions {
  readonly namespace: string;
  /** A lease of the caller's, which has all that was held once the operation ends. */
  readonly lease?: string | undefined;
  /** Names the operation: should the supervisor die, what is here waits a day for the next one of this name. */
  readonly resumable?: string | undefined;
}

/** How long what a killed operation had fetched waits for the next try. */
const resumableMs = 24 * 60 * 60 * 1000;

/** What keeps content and snapshots that nothing refers to yet: what running operations hold, and leases on record. */
export class Leases {
  readonly #metadata: Metadata;
  readonly #held = new Set<Lease>();

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
  }

  /**
   * Holds for an operation, until disposed of. Without options for every namespace.
   * @throws RpcError NotFound when the caller's lease is not there
   */
  acquire(options?: LeaseOptions): Lease {
    if (options?.lease !== undefined) this.require(options.namespace, options.lease);
    const record = options && this.#resumableLease(options);
    const keep = record && options ? (id: string) => this.#addContent(options.namespace, record, id) : () => {};
    const lease = new Lease(options?.namespace, record, keep, () => this.#release(lease, options));
    this.#held.add(lease);
    return lease;
  }

  /** Digests and chain ids that operations hold in a namespace. */
  ids(namespace: string): string[] {
    const held = [...this.#held].filter((lease) => lease.namespace === undefined || lease.namespace === namespace);
    return held.flatMap(({ ids }) => [...ids]);
  }

  /** @throws RpcError NotFound when there is no such lease, or it has expired */
  require(namespace: string, id: string): void {
    if (!this.#metadata.leases.get(namespace, id)) throw notFound(`no such lease in namespace ${namespace}: ${id}`);
  }

  /** The record that outlives this process; two operations of one name share it. */
  #resumableLease({ namespace, resumable }: LeaseOptions): string | undefined {
    if (resumable === undefined) return undefined;
    const { leases, namespaces, db } = this.#metadata;
    const id = `resumable-${createHash("sha256").update(resumable).digest("hex").slice(0, 16)}`;
    const expires = new Date(Date.now() + resumableMs).toISOString();
    db.transaction(() => {
      namespaces.ensure(namespace);
      leases.insert(namespace, { id, labels: { "gantry/operation": resumable, [expireLabel]: expires } });
    });
    return id;
  }

  #addContent(namespace: string, lease: string, id: string): void {
    this.#metadata.leases.addResource(namespace, lease, { type: "content", id });
  }

  #release(lease: Lease, options: LeaseOptions | undefined): void {
    if (!this.#held.delete(lease) || options === undefined) return;
    const { namespace } = options;
    const { leases, db } = this.#metadata;
    db.transaction(() => {
      if (options.lease !== undefined && leases.get(namespace, options.lease)) {
        this.#handOver(namespace, options.lease, lease.ids);
      }
      const { record } = lease;
      const isShared = [...this.#held].some((other) => other.record === record && other.namespace === namespace);
      if (record !== undefined && !isShared) leases.delete(namespace, record);
    });
  }

  /** Gives a lease on record what there is of what was held. */
  #handOver(namespace: string, lease: string, ids: ReadonlySet<string>): void {
    const { leases, blobs, snapshots } = this.#metadata;
    for (const id of ids) {
      if (blobs.get(namespace, id)) leases.addResource(namespace, lease, { type: "content", id });
      for (const snapshotter of ["overlayfs", "native"] as const) {
        if (!snapshots.get(namespace, snapshotter, id)) continue;
        leases.addResource(namespace, lease, { type: `snapshots/${snapshotter}`, id });
      }
    }
  }
}

/** Keeps digests and snapshots' keys from being collected until it is disposed of. */
export class Lease implements Disposable {
  readonly ids = new Set<string>();
  /** Absent: every namespace. */
  readonly namespace: string | undefined;
  /** Id of the lease on record that goes with it. */
  readonly record: string | undefined;
  readonly #keep: (id: string) => void;
  readonly #release: () => void;

  constructor(
    namespace: string | undefined,
    record: string | undefined,
    keep: (id: string) => void,
    release: () => void,
  ) {
    this.namespace = namespace;
    this.record = record;
    this.#keep = keep;
    this.#release = release;
  }

  add(...ids: readonly string[]): void {
    for (const id of ids) {
      if (this.ids.has(id)) continue;
      this.ids.add(id);
      this.#keep(id);
    }
  }

  [Symbol.dispose](): void {
    this.#release();
  }
}
