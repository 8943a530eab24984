import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

const schema = `
  CREATE TABLE IF NOT EXISTS containers (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS networks (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS volumes (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS addresses (
    network TEXT NOT NULL, address INTEGER NOT NULL, container TEXT NOT NULL,
    PRIMARY KEY (network, address)
  ) STRICT, WITHOUT ROWID;
`;

/**
 * Opens the engine's database, made if absent. It belongs to one engine at a time: the lock lasts as long as
 * the process. Writes survive the end of the process at once, and a power failure up to the last checkpoint.
 * @throws Error when another engine uses it
 */
export function openDatabase(path: string): DatabaseSync {
  if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
    database.exec(schema);
  } catch (error) {
    database.close();
    if (/locked|busy/i.test(String(error))) throw new Error(`${path} is in use by another engine`, { cause: error });
    throw error;
  }
  return database;
}
