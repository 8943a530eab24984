import { createHash } from "node:crypto";
import { notFound } from "../errors.ts";
import type { Metadata } from "../metadata/index.ts";
import { expireLabel } from "../metadata/leases.ts";

export interface LeaseOptions {
  readonly namespace: string;
  /** A lease of the caller, which takes over all resources once the operation ends. */
  readonly lease?: string | undefined;
  /** Name of the operation. After a crash its content is kept for a day, for the next operation of this name. */
  readonly resumable?: string | undefined;
}

/** How long the content of an interrupted operation is kept for the next attempt. */
const resumableMs = 24 * 60 * 60 * 1000;

/** Leases of running operations, which protect content and snapshots that nothing refers to yet. */
export class Leases {
  readonly #metadata: Metadata;
  readonly #active = new Set<Lease>();

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
  }

  /**
   * A lease for an operation, until it is disposed of. Without options it covers every namespace.
   * @throws RpcError NotFound when the caller's lease does not exist
   */
  acquire(options?: LeaseOptions): Lease {
    if (options?.lease !== undefined) this.require(options.namespace, options.lease);
    const record = options && this.#resumableLease(options);
    const keep = record && options ? (id: string) => this.#addContent(options.namespace, record, id) : () => {};
    const lease = new Lease(options?.namespace, record, keep, () => this.#release(lease, options));
    this.#active.add(lease);
    return lease;
  }

  /** Digests and chain ids that running operations protect in a namespace. */
  ids(namespace: string): string[] {
    const leases = [...this.#active].filter((lease) => lease.namespace === undefined || lease.namespace === namespace);
    return leases.flatMap(({ ids }) => [...ids]);
  }

  /** @throws RpcError NotFound when there is no such lease, or it has expired */
  require(namespace: string, id: string): void {
    if (!this.#metadata.leases.get(namespace, id)) throw notFound(`no such lease in namespace ${namespace}: ${id}`);
  }

  /** The row that outlives this process; operations of one name share it. */
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
    if (!this.#active.delete(lease) || options === undefined) return;
    const { namespace } = options;
    const { leases, db } = this.#metadata;
    db.transaction(() => {
      if (options.lease !== undefined && leases.get(namespace, options.lease)) {
        this.#handOver(namespace, options.lease, lease.ids);
      }
      const { record } = lease;
      const isShared = [...this.#active].some((other) => other.record === record && other.namespace === namespace);
      if (record !== undefined && !isShared) leases.delete(namespace, record);
    });
  }

  /** Adds the existing content and snapshots of an operation to a lease of the database. */
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

/** Protects digests and snapshot keys from gc until it is disposed of. */
export class Lease implements Disposable {
  readonly ids = new Set<string>();
  /** Undefined: every namespace. */
  readonly namespace: string | undefined;
  /** Id of the lease in the database that backs this one. */
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
