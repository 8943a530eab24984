import type { Database } from "./database.ts";
import { jsonColumns, now, type Row } from "./rows.ts";

const json = jsonColumns("snapshots", ["namespace", "snapshotter", "key"]);

export type SnapshotKind = "view" | "active" | "committed";
export type SnapshotterName = "overlayfs" | "native";

export interface SnapshotRow {
  /** Also the name of the directory. */
  readonly id: number;
  readonly namespace: string;
  readonly snapshotter: SnapshotterName;
  readonly key: string;
  readonly parentId: number | undefined;
  readonly kind: SnapshotKind;
  readonly labels: Record<string, string>;
  /** Bytes and inodes of a committed snapshot alone, without its parents. */
  readonly size: number | undefined;
  readonly inodes: number | undefined;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface NewSnapshot {
  readonly id: number;
  readonly snapshotter: SnapshotterName;
  readonly key: string;
  readonly parentId: number | undefined;
  readonly kind: SnapshotKind;
  readonly labels: Record<string, string>;
  /** Created for an image or under a lease: removed by gc once nothing needs it. */
  readonly managed: boolean;
}

/** Rows of snapshots; the directories are the driver's. */
export class SnapshotTable {
  readonly #get;
  readonly #byId;
  readonly #list;
  readonly #insert;
  readonly #commit;
  readonly #setLabels;
  readonly #delete;
  readonly #child;
  readonly #next;
  readonly #chain;
  readonly #ids;
  readonly #managed;
  readonly #labelled;

  constructor(db: Database) {
    this.#get = db.prepare("SELECT * FROM snapshots WHERE namespace = ? AND snapshotter = ? AND key = ?");
    this.#byId = db.prepare("SELECT * FROM snapshots WHERE id = ?");
    this.#list = db.prepare("SELECT * FROM snapshots WHERE namespace = ? ORDER BY id");
    this.#insert = db.prepare(`
      INSERT INTO snapshots
        (id, namespace, snapshotter, key, parent_id, kind, labels, managed, created_at, updated_at)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)`);
    this.#commit = db.prepare(`
      UPDATE snapshots SET key = ?, kind = 'committed', size = ?, inodes = ?, labels = ?, updated_at = ? WHERE id = ?`);
    this.#setLabels = db.prepare("UPDATE snapshots SET labels = ?, updated_at = ? WHERE id = ?");
    this.#delete = db.prepare("DELETE FROM snapshots WHERE id = ?");
    this.#child = db.prepare("SELECT key FROM snapshots WHERE parent_id = ? LIMIT 1");
    this.#next = db.prepare(
      "SELECT 1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'snapshots'), 0) AS next",
    );
    this.#chain = db.prepare(`
      WITH RECURSIVE chain (id, parent_id, size, depth) AS (
        SELECT id, parent_id, size, 0 FROM snapshots WHERE id = ?
        UNION ALL SELECT s.id, s.parent_id, s.size, depth + 1 FROM snapshots s JOIN chain ON s.id = chain.parent_id
      ) SELECT id, size FROM chain ORDER BY depth`);
    this.#ids = db.prepare("SELECT id FROM snapshots");
    this.#labelled = db.prepare(
      `SELECT * FROM snapshots WHERE namespace = ? AND instr(labels, '"containerd.io/gc.') > 0`,
    );
    this.#managed = db.prepare(`
      SELECT * FROM snapshots s WHERE namespace = ? AND managed = 1
        AND NOT EXISTS (SELECT 1 FROM snapshots c WHERE c.parent_id = s.id)`);
  }

  get(namespace: string, snapshotter: SnapshotterName, key: string): SnapshotRow | undefined {
    const row = this.#get.get(namespace, snapshotter, key);
    return row && toRow(row);
  }

  byId(id: number): SnapshotRow | undefined {
    const row = this.#byId.get(id);
    return row && toRow(row);
  }

  /** The snapshots of all snapshotters, parents before their children. */
  list(namespace: string): SnapshotRow[] {
    return this.#list.all(namespace).map(toRow);
  }

  insert(namespace: string, snapshot: NewSnapshot): void {
    const { id, snapshotter, key, parentId, kind, labels, managed } = snapshot;
    const where = [id, namespace, snapshotter, key, parentId ?? null] as const;
    this.#insert.run(...where, kind, JSON.stringify(labels), managed ? 1 : 0, now());
  }

  /** Turns an active snapshot into a committed one of another name. */
  commit(id: number, name: string, usage: { size: number; inodes: number }, labels: Record<string, string>): void {
    this.#commit.run(name, usage.size, usage.inodes, JSON.stringify(labels), now(), id);
  }

  setLabels(id: number, labels: Record<string, string>): void {
    this.#setLabels.run(JSON.stringify(labels), now(), id);
  }

  delete(id: number): void {
    this.#delete.run(id);
  }

  /** Key of a snapshot that has this one as its parent. */
  childOf(id: number): string | undefined {
    const row = this.#child.get(id);
    return row && String(row.key);
  }

  /** True for a committed snapshot without children. */
  isUnused(row: SnapshotRow): boolean {
    return row.kind === "committed" && this.childOf(row.id) === undefined;
  }

  /** An id that was never used. */
  nextId(): number {
    return Number(this.#next.get()?.next);
  }

  /** The snapshot and its ancestors, itself first. */
  chain(id: number): { id: number; size: number }[] {
    return this.#chain.all(id).map((row) => ({ id: Number(row.id), size: Number(row.size ?? 0) }));
  }

  ids(): Set<string> {
    return new Set(this.#ids.all().map((row) => String(row.id)));
  }

  /** Snapshots with labels that gc reads. */
  withGcLabels(namespace: string): { row: SnapshotRow; managed: boolean }[] {
    return this.#labelled.all(namespace).map((row) => ({ row: toRow(row), managed: row.managed === 1 }));
  }

  /** Managed snapshots without children. */
  managedLeaves(namespace: string): SnapshotRow[] {
    return this.#managed.all(namespace).map(toRow);
  }
}

function toRow(row: Row): SnapshotRow {
  const optional = (value: unknown) => (value === null ? undefined : Number(value));
  return {
    id: Number(row.id),
    namespace: String(row.namespace),
    snapshotter: row.snapshotter as SnapshotterName,
    key: String(row.key),
    parentId: optional(row.parent_id),
    kind: row.kind as SnapshotKind,
    labels: json.labels(row),
    size: optional(row.size),
    inodes: optional(row.inodes),
    createdAt: String(row.created_at),
    updatedAt: String(row.updated_at),
  };
}
