import type { Database } from "./database.ts";
import { jsonColumns, now, type Row } from "./rows.ts";

const json = jsonColumns("blobs", ["namespace", "digest"]);

export interface BlobInfo {
  readonly digest: string;
  readonly size: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly labels: Record<string, string>;
}

/** The blobs that each namespace sees, and the references between blobs. */
export class BlobTable {
  readonly #get;
  readonly #page;
  readonly #digests;
  readonly #labelled;
  readonly #kept;
  readonly #put;
  readonly #setLabels;
  readonly #delete;
  readonly #deleteEverywhere;
  readonly #anywhere;
  readonly #link;
  readonly #unlink;
  readonly #children;
  readonly #closure;
  readonly #managed;

  constructor(db: Database) {
    this.#get = db.prepare("SELECT * FROM blobs WHERE namespace = ? AND digest = ?");
    this.#page = db.prepare("SELECT * FROM blobs WHERE namespace = ? AND digest > ? ORDER BY digest LIMIT ?");
    this.#digests = db.prepare("SELECT DISTINCT digest FROM blobs");
    this.#labelled = db.prepare(`SELECT * FROM blobs WHERE namespace = ? AND instr(labels, '"containerd.io/gc.') > 0`);
    this.#kept = db.prepare("SELECT digest FROM blobs WHERE namespace = ? AND managed = 0");
    this.#put = db.prepare(`
      INSERT INTO blobs (namespace, digest, size, labels, managed, created_at, updated_at)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
      ON CONFLICT DO UPDATE SET managed = 0 WHERE excluded.managed = 0`);
    this.#setLabels = db.prepare("UPDATE blobs SET labels = ?, updated_at = ? WHERE namespace = ? AND digest = ?");
    this.#delete = db.prepare("DELETE FROM blobs WHERE namespace = ? AND digest = ?");
    this.#deleteEverywhere = db.prepare("DELETE FROM blobs WHERE digest = ?");
    this.#anywhere = db.prepare("SELECT size FROM blobs WHERE digest = ? LIMIT 1");
    this.#link = db.prepare("INSERT OR IGNORE INTO links (parent, child) VALUES (?, ?)");
    this.#unlink = db.prepare("DELETE FROM links WHERE parent = ?");
    this.#children = db.prepare("SELECT child FROM links WHERE parent = ?");
    this.#closure = db.prepare(`
      WITH RECURSIVE needed (id) AS (
        SELECT value FROM json_each(?) UNION SELECT child FROM links JOIN needed ON parent = id
      ) SELECT id FROM needed`);
    this.#managed = db.prepare("SELECT digest FROM blobs WHERE namespace = ? AND managed = 1");
  }

  get(namespace: string, digest: string): BlobInfo | undefined {
    const row = this.#get.get(namespace, digest);
    return row && toInfo(row);
  }

  /** A page of blobs in the order of their digests. @param after digest before the first one */
  list(namespace: string, { after = "", limit = -1 }: { after?: string; limit?: number } = {}): BlobInfo[] {
    return this.#page.all(namespace, after, limit).map(toInfo);
  }

  /** Digests in all namespaces. */
  digests(): string[] {
    return this.#digests.all().map((row) => String(row.digest));
  }

  /** Blobs with labels that gc reads. */
  withGcLabels(namespace: string): BlobInfo[] {
    return this.#labelled.all(namespace).map(toInfo);
  }

  /** Digests of unmanaged blobs; gc never removes these. */
  unmanaged(namespace: string): string[] {
    return this.#kept.all(namespace).map((row) => String(row.digest));
  }

  /**
   * Makes a blob visible to a namespace. A blob that the namespace has can become unmanaged this way, but never
   * managed again.
   */
  put(
    namespace: string,
    blob: { digest: string; size: number; labels?: Record<string, string>; managed: boolean },
  ): void {
    const labels = JSON.stringify(blob.labels ?? {});
    this.#put.run(namespace, blob.digest, blob.size, labels, blob.managed ? 1 : 0, now());
  }

  /** Sets labels; an empty value removes one. */
  setLabels(namespace: string, digest: string, labels: Record<string, string>): void {
    this.replaceLabels(namespace, digest, { ...this.get(namespace, digest)?.labels, ...labels });
  }

  /** Replaces all labels. */
  replaceLabels(namespace: string, digest: string, labels: Record<string, string>): void {
    const present = Object.entries(labels).filter(([, value]) => value !== "");
    this.#setLabels.run(JSON.stringify(Object.fromEntries(present)), now(), namespace, digest);
  }

  delete(namespace: string, digest: string): boolean {
    return this.#delete.run(namespace, digest).changes > 0;
  }

  /** Removes a blob from all namespaces. */
  deleteEverywhere(digest: string): void {
    this.#deleteEverywhere.run(digest);
    this.unlink(digest);
  }

  /** True when any namespace sees it. */
  isKnown(digest: string): boolean {
    return this.#anywhere.get(digest) !== undefined;
  }

  /** Bytes of a blob that any namespace sees. */
  sizeOf(digest: string): number | undefined {
    const row = this.#anywhere.get(digest);
    return row && Number(row.size);
  }

  /** Digests of managed blobs; gc removes these once nothing needs them. */
  managed(namespace: string): string[] {
    return this.#managed.all(namespace).map((row) => String(row.digest));
  }

  /** Records that a blob needs others (digests) or snapshots (chain ids). */
  link(parent: string, children: readonly string[]): void {
    for (const child of children) this.#link.run(parent, child);
  }

  unlink(parent: string): void {
    this.#unlink.run(parent);
  }

  /** The digests and chain ids that a blob needs directly. */
  children(parent: string): string[] {
    return this.#children.all(parent).map((row) => String(row.child));
  }

  /** The given digests and everything that they need, directly or not. */
  closure(digests: readonly string[]): Set<string> {
    return new Set(this.#closure.all(JSON.stringify(digests)).map((row) => String(row.id)));
  }
}

function toInfo(row: Row): BlobInfo {
  return {
    digest: String(row.digest),
    size: Number(row.size),
    createdAt: String(row.created_at),
    updatedAt: String(row.updated_at),
    labels: json.labels(row),
  };
}
