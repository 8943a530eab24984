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

/** Which blobs each namespace sees, and what refers to what. */
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

  /** Blobs by digest: at most so many of those after a digest. */
  list(namespace: string, { after = "", limit = -1 }: { after?: string; limit?: number } = {}): BlobInfo[] {
    return this.#page.all(namespace, after, limit).map(toInfo);
  }

  /** Those of all namespaces. */
  digests(): string[] {
    return this.#digests.all().map((row) => String(row.digest));
  }

  /** Those with labels that say something to the collection. */
  withGcLabels(namespace: string): BlobInfo[] {
    return this.#labelled.all(namespace).map(toInfo);
  }

  /** Digests of what whoever stored it must delete. */
  unmanaged(namespace: string): string[] {
    return this.#kept.all(namespace).map((row) => String(row.digest));
  }

  /**
   * Makes a blob visible to a namespace. One that it has already becomes unmanaged where that is asked for; the
   * other way round, nothing changes.
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

  /** Sets labels in the place of all that it had. */
  replaceLabels(namespace: string, digest: string, labels: Record<string, string>): void {
    const present = Object.entries(labels).filter(([, value]) => value !== "");
    this.#setLabels.run(JSON.stringify(Object.fromEntries(present)), now(), namespace, digest);
  }

  delete(namespace: string, digest: string): boolean {
    return this.#delete.run(namespace, digest).changes > 0;
  }

  /** Takes it from all namespaces. */
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

  /** Digests of what is kept only for images. */
  managed(namespace: string): string[] {
    return this.#managed.all(namespace).map((row) => String(row.digest));
  }

  /** Says that one blob needs others (digests), or snapshots (chain ids). */
  link(parent: string, children: readonly string[]): void {
    for (const child of children) this.#link.run(parent, child);
  }

  unlink(parent: string): void {
    this.#unlink.run(parent);
  }

  /** What a blob needs itself: digests and chain ids. */
  children(parent: string): string[] {
    return this.#children.all(parent).map((row) => String(row.child));
  }

  /** All that some digests need, themselves included. */
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
