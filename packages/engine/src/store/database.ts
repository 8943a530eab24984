import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { migrations } from "./migrations.ts";

/**
 * Opens the engine's database; it is created where there is none, and brought to the present version. It belongs to one
 * engine at a time: the lock lasts as long as the process. Writes survive the end of the process at once, and a power
 * failure up to the last checkpoint.
 * @param steps see `migrations`
 * @throws Error when another engine uses it, or when a later version wrote it
 */
export function openDatabase(path: string, steps: readonly string[] = migrations): DatabaseSync {
  if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
    migrate(database, path, steps);
  } catch (error) {
    database.close();
    if (isBusy(error)) throw new Error(`${path} is in use by another engine`, { cause: error });
    throw error;
  }
  return database;
}

function migrate(database: DatabaseSync, path: string, steps: readonly string[]): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version > steps.length) {
    throw new Error(
      `${path} was written by a later version (schema ${version}, this version knows ${steps.length}): use that version, or another --root`,
    );
  }
  for (let next = version; next < steps.length; next++) {
    database.exec(`BEGIN IMMEDIATE; ${steps[next]}; PRAGMA user_version = ${next + 1}; COMMIT`);
  }
  // Takes the lock also where nothing had to be changed.
  database.exec("BEGIN IMMEDIATE; COMMIT");
}

/** SQLITE_BUSY, SQLITE_LOCKED (sqlite.org/rescode.html); the low byte is the primary code. */
function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === "number" && [5, 6].includes(code & 0xff);
}
