import type { LeaseRecord } from "@gantry/ipc/contracts/supervisor";
import type { Database } from "./database.ts";
import { jsonColumns, now, type Row } from "./rows.ts";

const json = jsonColumns("leases", ["namespace", "id"]);

/** A blob by digest, an ingest by ref, a snapshot by key (snapshots/SNAPSHOTTER). */
export interface LeaseResource {
  readonly type: string;
  readonly id: string;
}

/** Label of a lease: the time when it expires. */
export const expireLabel = "containerd.io/gc.expire";

/** Leases that outlive the supervisor. */
export class LeaseTable {
  readonly #get;
  readonly #list;
  readonly #insert;
  readonly #delete;
  readonly #add;
  readonly #remove;
  readonly #resources;

  constructor(db: Database) {
    this.#get = db.prepare("SELECT * FROM leases WHERE namespace = ? AND id = ?");
    this.#list = db.prepare("SELECT * FROM leases WHERE namespace = ? ORDER BY id");
    this.#insert = db.prepare("INSERT OR IGNORE INTO leases (namespace, id, labels, created_at) VALUES (?, ?, ?, ?)");
    this.#delete = db.prepare("DELETE FROM leases WHERE namespace = ? AND id = ?");
    this.#add = db.prepare("INSERT OR IGNORE INTO lease_resources (namespace, lease, type, id) VALUES (?, ?, ?, ?)");
    this.#remove = db.prepare("DELETE FROM lease_resources WHERE namespace = ? AND lease = ? AND type = ? AND id = ?");
    this.#resources = db.prepare(
      "SELECT type, id FROM lease_resources WHERE namespace = ? AND lease = ? ORDER BY type, id",
    );
  }

  /** Leases that have not expired, by id. */
  list(namespace: string): LeaseRecord[] {
    return this.#list
      .all(namespace)
      .map(toLease)
      .filter((lease) => !isExpired(lease));
  }

  /** Ids of leases that have expired. */
  expired(namespace: string): string[] {
    const all = this.#list.all(namespace).map(toLease);
    return all.filter(isExpired).map(({ id }) => id);
  }

  /** @returns undefined for a lease that does not exist or has expired */
  get(namespace: string, id: string): LeaseRecord | undefined {
    const row = this.#get.get(namespace, id);
    const lease = row && toLease(row);
    return lease && !isExpired(lease) ? lease : undefined;
  }

  /** @returns false when the id is taken */
  insert(namespace: string, { id, labels }: Omit<LeaseRecord, "createdAt">): boolean {
    return this.#insert.run(namespace, id, JSON.stringify(labels), now()).changes > 0;
  }

  /** Deletes a lease and its resources. @returns false when there was none */
  delete(namespace: string, id: string): boolean {
    return this.#delete.run(namespace, id).changes > 0;
  }

  addResource(namespace: string, lease: string, { type, id }: LeaseResource): void {
    this.#add.run(namespace, lease, type, id);
  }

  /** @returns false when the lease did not have the resource */
  deleteResource(namespace: string, lease: string, { type, id }: LeaseResource): boolean {
    return this.#remove.run(namespace, lease, type, id).changes > 0;
  }

  resources(namespace: string, lease: string): LeaseResource[] {
    return this.#resources.all(namespace, lease).map((row) => ({ type: String(row.type), id: String(row.id) }));
  }
}

/** Expiry in milliseconds since the epoch; undefined for a lease that never expires. */
export function expiryOf({ labels }: Pick<LeaseRecord, "labels">): number | undefined {
  const time = Date.parse(labels[expireLabel] ?? "");
  return Number.isNaN(time) ? undefined : time;
}

function isExpired(lease: LeaseRecord): boolean {
  return (expiryOf(lease) ?? Number.POSITIVE_INFINITY) <= Date.now();
}

function toLease(row: Row): LeaseRecord {
  return { id: String(row.id), labels: json.labels(row), createdAt: String(row.created_at) };
}
