import type { DatabaseSync } from "node:sqlite";
import { describeIssue } from "@gantry/common/schema-issue";
import * as v from "valibot";

/** The documents of one noun by id, each a row of JSON. */
export interface Documents<T> {
  /** Every document that matches its schema. A row that does not is reported, left out, and stays in the table. */
  load(): LoadedDocuments<T>;
  put(id: string, document: T): void;
  delete(id: string): void;
}

export interface LoadedDocuments<T> {
  readonly documents: readonly T[];
  readonly unreadable: readonly UnreadableRow[];
}

export interface UnreadableRow {
  readonly id: string;
  readonly text: string;
}

export interface DocumentsOptions<T> {
  readonly table: "containers" | "networks" | "volumes";
  /** Checks a document; fields that it does not name are kept. */
  readonly schema: v.GenericSchema<unknown, T>;
  /** Called for each row that cannot be read, with a message that names the row and the field. */
  readonly onUnreadable: (message: string) => void;
}

/** The documents of a table of `openDatabase`. */
export function documents<T>(database: DatabaseSync, options: DocumentsOptions<T>): Documents<T> {
  const { table } = options;
  const put = database.prepare(
    `INSERT INTO ${table} (id, document) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document`,
  );
  const remove = database.prepare(`DELETE FROM ${table} WHERE id = ?`);
  return {
    load: () => load(database, options),
    put: (id, document) => void put.run(id, JSON.stringify(document)),
    delete: (id) => void remove.run(id),
  };
}

function load<T>(database: DatabaseSync, { table, schema, onUnreadable }: DocumentsOptions<T>): LoadedDocuments<T> {
  const documents: T[] = [];
  const unreadable: UnreadableRow[] = [];
  for (const row of database.prepare(`SELECT id, document FROM ${table}`).all()) {
    const [id, text] = [String(row["id"]), String(row["document"])];
    try {
      documents.push(parse(text, schema));
    } catch (error) {
      unreadable.push({ id, text });
      onUnreadable(`table ${table}, row ${id}: ${(error as Error).message}`);
    }
  }
  return { documents, unreadable };
}

function parse<T>(text: string, schema: v.GenericSchema<unknown, T>): T {
  const document: unknown = JSON.parse(text);
  const { issues } = v.safeParse(schema, document);
  const [issue] = issues ?? [];
  if (!issue) return document as T;
  throw new Error(describeIssue(issue));
}
