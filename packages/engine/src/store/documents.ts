import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Documents of one noun by id; the table's rows are JSON. */
export interface Documents<T> {
  all(): T[];
  put(id: string, document: T): void;
  delete(id: string): void;
}

/** The documents of a table of openDatabase. */
export function documents<T>(database: DatabaseSync, table: "containers" | "networks" | "volumes"): Documents<T> {
  const put = database.prepare(
    `INSERT INTO ${table} (id, document) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document`,
  );
  const remove: StatementSync = database.prepare(`DELETE FROM ${table} WHERE id = ?`);
  return {
    all: () =>
      database
        .prepare(`SELECT document FROM ${table}`)
        .all()
        .map((row) => JSON.parse(String(row["document"])) as T),
    put: (id, document) => void put.run(id, JSON.stringify(document)),
    delete: (id) => void remove.run(id),
  };
}
