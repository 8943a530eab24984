import { document, runtime } from "@gantry/ipc/contracts/common";
import type { ContainerRecord } from "@gantry/ipc/contracts/supervisor";
import type { Database } from "./database.ts";
import { jsonColumns, now, type Row } from "./rows.ts";
import type { SnapshotRow, SnapshotterName } from "./snapshots.ts";

const json = jsonColumns("containers", ["namespace", "id"]);

export type NewContainer = Omit<ContainerRecord, "createdAt" | "updatedAt">;

export class ContainerTable {
  readonly #get;
  readonly #list;
  readonly #insert;
  readonly #update;
  readonly #delete;
  readonly #exists;
  readonly #usingSnapshot;
  readonly #snapshotUse;

  constructor(db: Database) {
    this.#get = db.prepare("SELECT * FROM containers WHERE namespace = ? AND id = ?");
    this.#list = db.prepare("SELECT * FROM containers WHERE namespace = ? ORDER BY id");
    this.#insert = db.prepare(`
      INSERT INTO containers
        (namespace, id, image, labels, spec, snapshot_key, runtime, user, created_at, updated_at, snapshotter)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10) ON CONFLICT DO NOTHING`);
    this.#update = db.prepare(`
      UPDATE containers SET labels = ?, spec = ?, user = ?, updated_at = ? WHERE namespace = ? AND id = ?`);
    this.#delete = db.prepare("DELETE FROM containers WHERE namespace = ? AND id = ?");
    this.#exists = db.prepare("SELECT 1 FROM containers WHERE namespace = ? AND id = ?");
    this.#snapshotUse = db.prepare(
      "SELECT namespace, id, snapshotter, snapshot_key, labels FROM containers WHERE namespace = ?",
    );
    this.#usingSnapshot = db.prepare(
      "SELECT id FROM containers WHERE namespace = ? AND snapshotter = ? AND snapshot_key = ? LIMIT 1",
    );
  }

  get(namespace: string, id: string): ContainerRecord | undefined {
    const row = this.#get.get(namespace, id);
    return row && toContainer(row);
  }

  has(namespace: string, id: string): boolean {
    return this.#exists.get(namespace, id) !== undefined;
  }

  list(namespace: string): ContainerRecord[] {
    return this.#list.all(namespace).map(toContainer);
  }

  /** @returns undefined when the id is taken */
  insert(namespace: string, container: NewContainer): ContainerRecord | undefined {
    const { id, image, labels, spec, snapshotKey, runtime, user } = container;
    const time = now();
    const text = [JSON.stringify(labels), JSON.stringify(spec), snapshotKey, JSON.stringify(runtime)] as const;
    const { changes } = this.#insert.run(namespace, id, image, ...text, user, time, container.snapshotter ?? "");
    return changes === 0 ? undefined : { ...container, createdAt: time, updatedAt: time };
  }

  update(namespace: string, container: ContainerRecord): ContainerRecord {
    const updatedAt = now();
    const { id, labels, spec, user } = container;
    this.#update.run(JSON.stringify(labels), JSON.stringify(spec), user, updatedAt, namespace, id);
    return { ...container, updatedAt };
  }

  delete(namespace: string, id: string): boolean {
    return this.#delete.run(namespace, id).changes > 0;
  }

  /** The snapshot of each container, and the container's labels. */
  snapshotUse(namespace: string): { snapshotter: string; key: string; labels: Record<string, string> }[] {
    return this.#snapshotUse.all(namespace).map((row) => ({
      snapshotter: String(row.snapshotter),
      key: String(row.snapshot_key),
      labels: json.labels(row),
    }));
  }

  /** Id of a container that has the snapshot as its root file system. */
  usingSnapshot({ namespace, snapshotter, key }: SnapshotRow): string | undefined {
    const row = this.#usingSnapshot.get(namespace, snapshotter, key);
    return row && String(row.id);
  }
}

function toContainer(row: Row): ContainerRecord {
  return {
    id: String(row.id),
    image: String(row.image),
    labels: json.labels(row),
    spec: json.read(row, "spec", document),
    snapshotKey: String(row.snapshot_key),
    ...(row.snapshotter === "" ? {} : { snapshotter: row.snapshotter as SnapshotterName }),
    runtime: json.read(row, "runtime", runtime),
    user: String(row.user),
    createdAt: String(row.created_at),
    updatedAt: String(row.updated_at),
  };
}
