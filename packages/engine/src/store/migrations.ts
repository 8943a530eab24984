/**
 * Steps from each version of the database to the next, run once and in order; SQLite's user_version counts them. A step
 * that changes documents does so in SQL: `UPDATE containers SET document = json_set(document, '$.field', …)`.
 */
export const migrations: readonly string[] = [
  // The first versions did not count: their tables may exist already.
  `
  CREATE TABLE IF NOT EXISTS containers (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS networks (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS volumes (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS addresses (
    network TEXT NOT NULL, address INTEGER NOT NULL, container TEXT NOT NULL,
    PRIMARY KEY (network, address)
  ) STRICT, WITHOUT ROWID;
  `,
];
