import type { Database } from "./database.ts";
import { now, type Row } from "./rows.ts";

export interface IngestRow {
  readonly namespace: string;
  readonly ref: string;
  /** Name of the file. */
  readonly file: string;
  /** Expected digest; empty where it is not known. */
  readonly expected: string;
  /** Expected size in bytes; 0 where it is not known. */
  readonly total: number;
  readonly startedAt: string;
}

/** Resumable ingests. The size of its file is how far an ingest is. */
export class IngestTable {
  readonly #get;
  readonly #list;
  readonly #all;
  readonly #put;
  readonly #delete;

  constructor(db: Database) {
    this.#get = db.prepare("SELECT * FROM ingests WHERE namespace = ? AND ref = ?");
    this.#list = db.prepare("SELECT * FROM ingests WHERE namespace = ? ORDER BY ref");
    this.#all = db.prepare("SELECT * FROM ingests");
    this.#put = db.prepare(`
      INSERT INTO ingests (namespace, ref, file, expected, total, started_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
      ON CONFLICT (namespace, ref) DO UPDATE SET expected = ?4, total = ?5`);
    this.#delete = db.prepare("DELETE FROM ingests WHERE namespace = ? AND ref = ?");
  }

  get(namespace: string, ref: string): IngestRow | undefined {
    const row = this.#get.get(namespace, ref);
    return row && toIngest(row);
  }

  list(namespace: string): IngestRow[] {
    return this.#list.all(namespace).map(toIngest);
  }

  /** The ingests of all namespaces. */
  all(): IngestRow[] {
    return this.#all.all().map(toIngest);
  }

  /** Records a new ingest, or updates the expectations of a present one, whose file and start time stay. */
  put({ namespace, ref, file, expected, total }: Omit<IngestRow, "startedAt">): void {
    this.#put.run(namespace, ref, file, expected, total, now());
  }

  delete(namespace: string, ref: string): void {
    this.#delete.run(namespace, ref);
  }
}

function toIngest(row: Row): IngestRow {
  return {
    namespace: String(row.namespace),
    ref: String(row.ref),
    file: String(row.file),
    expected: String(row.expected),
    total: Number(row.total),
    startedAt: String(row.started_at),
  };
}
