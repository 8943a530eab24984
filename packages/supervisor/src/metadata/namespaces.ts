import { alreadyExists, failedPrecondition, notFound } from "../errors.ts";
import type { Database } from "./database.ts";
import { jsonColumns, type Labels } from "./rows.ts";

const json = jsonColumns("namespaces", ["name"]);

/** Namespaces. The first use of one creates it, as in containerd. */
export class Namespaces {
  readonly #db: Database;
  readonly #insert;
  readonly #ensure;
  readonly #get;
  readonly #list;
  readonly #update;
  readonly #delete;
  readonly #contents;
  readonly #deleteLeases;

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.prepare("INSERT INTO namespaces (name, labels) VALUES (?, ?)");
    this.#ensure = db.prepare("INSERT OR IGNORE INTO namespaces (name, labels) VALUES (?, '{}')");
    this.#get = db.prepare("SELECT name, labels FROM namespaces WHERE name = ?");
    this.#list = db.prepare("SELECT name, labels FROM namespaces ORDER BY name");
    this.#update = db.prepare("UPDATE namespaces SET labels = ? WHERE name = ?");
    this.#delete = db.prepare("DELETE FROM namespaces WHERE name = ?");
    this.#contents = db.prepare(`
      SELECT (SELECT count(*) FROM images WHERE namespace = ?1) AS images,
             (SELECT count(*) FROM containers WHERE namespace = ?1) AS containers,
             (SELECT count(*) FROM snapshots WHERE namespace = ?1) AS snapshots,
             (SELECT count(*) FROM blobs WHERE namespace = ?1) AS blobs,
             (SELECT count(*) FROM ingests WHERE namespace = ?1) AS ingests`);
    this.#deleteLeases = db.prepare("DELETE FROM leases WHERE namespace = ?");
  }

  create(name: string, labels: Labels): void {
    if (this.#get.get(name)) throw alreadyExists(`namespace ${name} already exists`);
    this.#insert.run(name, JSON.stringify(labels));
  }

  ensure(name: string): void {
    this.#ensure.run(name);
  }

  /** @throws RpcError NotFound */
  get(name: string): { name: string; labels: Labels } {
    const row = this.#get.get(name);
    if (!row) throw notFound(`no such namespace: ${name}`);
    return { name, labels: json.labels(row) };
  }

  list(): { name: string; labels: Labels }[] {
    return this.#list.all().map((row) => ({ name: String(row.name), labels: json.labels(row) }));
  }

  /** Sets labels; an empty value removes one. */
  label(name: string, labels: Labels): void {
    this.#db.transaction(() => {
      const merged = Object.entries({ ...this.get(name).labels, ...labels }).filter(([, value]) => value !== "");
      this.#update.run(JSON.stringify(Object.fromEntries(merged)), name);
    });
  }

  /** Removes an empty namespace and its leases. @throws RpcError FailedPrecondition naming its contents; NotFound */
  delete(name: string): void {
    this.#db.transaction(() => {
      const counts = Object.entries(this.#contents.get(name) as Record<string, number>).filter(
        ([, count]) => count > 0,
      );
      if (counts.length > 0) {
        const what = counts.map(([noun, count]) => `${count} ${noun}`).join(", ");
        throw failedPrecondition(`namespace ${name} is not empty: it has ${what}`);
      }
      this.#deleteLeases.run(name);
      if (this.#delete.run(name).changes === 0) throw notFound(`no such namespace: ${name}`);
    });
  }
}
