import { DatabaseSync, type StatementSync } from "node:sqlite";
import { migrations } from "./schema.ts";

/**
 * The supervisor's database. With write-ahead logging and synchronous=NORMAL a committed transaction survives a crash
 * of this process; a loss of power may cost the last transactions, but never corrupts the file.
 */
export class Database {
  readonly #db: DatabaseSync;
  #depth = 0;

  /** @throws Error when the file is of a later version */
  constructor(path: string) {
    this.#db = new DatabaseSync(path, { enableForeignKeyConstraints: true });
    this.#db.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -1024; PRAGMA busy_timeout = 5000",
    );
    this.#migrate(path);
  }

  prepare(sql: string): StatementSync {
    return this.#db.prepare(sql);
  }

  /** Runs a function in a transaction, which is rolled back when it throws. A nested call joins the outer transaction. */
  transaction<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    this.#db.exec("BEGIN IMMEDIATE");
    this.#depth += 1;
    try {
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      // SQLite has rolled back by itself after a failure such as a full disk (lang_transaction.html).
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  /**
   * A transaction that is synced to disk, with all earlier ones, when this returns: it survives a loss of power. The
   * sync takes some milliseconds; see docs/architecture.md, "State".
   */
  durableTransaction<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    this.#db.exec("PRAGMA synchronous = FULL");
    try {
      return this.transaction(work);
    } finally {
      this.#db.exec("PRAGMA synchronous = NORMAL");
    }
  }

  close(): void {
    this.#db.close();
  }

  #migrate(path: string): void {
    const row = this.#db.prepare("PRAGMA user_version").get() as { user_version: number };
    if (row.user_version > migrations.length) {
      throw new Error(`${path} was written by a later version (schema ${row.user_version})`);
    }
    for (let version = row.user_version; version < migrations.length; version++) {
      this.#db.exec(`BEGIN; ${migrations[version]}; PRAGMA user_version = ${version + 1}; COMMIT`);
    }
  }
}
