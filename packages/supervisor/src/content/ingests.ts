import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, type Stats, statSync, unlinkSync } from "node:fs";
import type { IngestStatus } from "@gantry/ipc/contracts/supervisor";
import { parseDigest } from "@gantry/oci-spec";
import { invalidArgument, notFound, unavailable, undo } from "../errors.ts";
import type { Metadata } from "../metadata/index.ts";
import type { IngestRow } from "../metadata/ingests.ts";
import { Ingest } from "./ingest.ts";

export interface NamedIngest {
  readonly namespace: string;
  readonly ref: string;
  /** Expected digest. */
  readonly expected?: string | undefined;
  /** Expected size in bytes. */
  readonly total?: number | undefined;
  /** Digest for this comparison only: its algorithm is used, and it is not recorded. */
  readonly comparedWith?: string | undefined;
}

/**
 * The files of blobs that are being written. An ingest with a ref, unique in its namespace, has a row and survives its
 * writer and this process; a file without a row is a leftover.
 */
export class Ingests {
  readonly #directory: string;
  readonly #metadata: Metadata;
  /** Ingests that have a writer. */
  readonly #open = new Set<string>();

  constructor(directory: string, metadata: Metadata) {
    this.#directory = directory;
    this.#metadata = metadata;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Removes files without a row, and rows without a file. */
  removeLeftovers(): void {
    const rows = this.#metadata.ingests.all();
    const known = new Set(rows.map(({ file }) => file));
    for (const name of readdirSync(this.#directory)) {
      if (!known.has(name)) rmSync(this.#path(name), { recursive: true });
    }
    for (const row of rows) if (!this.#stat(row)) this.#metadata.ingests.delete(row.namespace, row.ref);
  }

  /** Creates an ingest without a ref, which ends with its writer. @param expected digest whose algorithm is used */
  begin(expected?: string): Ingest {
    const path = this.#path(randomBytes(8).toString("hex"));
    return new Ingest({ path, algorithm: algorithmOf(expected) });
  }

  /**
   * Opens an ingest for writing: a new one, or an earlier writer's. It is locked until it is released.
   * @throws RpcError Unavailable while it has another writer; InvalidArgument when it was started for another digest
   */
  async open({ namespace, ref, expected, total, comparedWith }: NamedIngest): Promise<Ingest> {
    const key = this.#lock(namespace, ref);
    try {
      const row = this.#metadata.ingests.get(namespace, ref);
      if (row && expected !== undefined && row.expected !== "" && row.expected !== expected) {
        throw invalidArgument(`ingest ${ref} was started for ${row.expected}, not ${expected}`);
      }
      if (row && total !== undefined && row.total !== 0 && row.total !== total) {
        throw invalidArgument(`ingest ${ref} was started for ${row.total} bytes, not ${total}`);
      }
      const known = { expected: expected ?? row?.expected ?? "", total: total ?? row?.total ?? 0 };
      const file = row?.file ?? randomBytes(8).toString("hex");
      this.#metadata.db.transaction(() => {
        this.#metadata.namespaces.ensure(namespace);
        this.#metadata.ingests.put({ namespace, ref, file, ...known });
      });
      const ingest = new Ingest({
        path: this.#path(file),
        algorithm: algorithmOf(comparedWith ?? known.expected),
        ref,
        onClose: (isDiscarded) => {
          if (isDiscarded) this.#metadata.ingests.delete(namespace, ref);
          this.#open.delete(key);
        },
      });
      return await resumed(ingest);
    } catch (error) {
      this.#open.delete(key);
      throw error;
    }
  }

  list(namespace: string): IngestStatus[] {
    return this.#metadata.ingests.list(namespace).map((row) => this.#statusOf(row));
  }

  /** @throws RpcError NotFound */
  status(namespace: string, ref: string): IngestStatus {
    return this.#statusOf(this.#row(namespace, ref));
  }

  /** True while the ingest has a writer. */
  isOpen(namespace: string, ref: string): boolean {
    return this.#open.has(keyOf(namespace, ref));
  }

  /** @throws RpcError NotFound; Unavailable while it has a writer */
  abort(namespace: string, ref: string): void {
    const row = this.#row(namespace, ref);
    const key = this.#lock(namespace, ref);
    try {
      this.#metadata.ingests.delete(namespace, ref);
      if (this.#stat(row)) unlinkSync(this.#path(row.file));
    } finally {
      this.#open.delete(key);
    }
  }

  #lock(namespace: string, ref: string): string {
    const key = keyOf(namespace, ref);
    if (this.#open.has(key)) throw unavailable(`ingest ${ref} is locked by another writer`);
    this.#open.add(key);
    return key;
  }

  #row(namespace: string, ref: string): IngestRow {
    const row = this.#metadata.ingests.get(namespace, ref);
    if (!row) throw notFound(`no such ingest in namespace ${namespace}: ${ref}`);
    return row;
  }

  #statusOf(row: IngestRow): IngestStatus {
    const { ref, total, expected, startedAt } = row;
    const stat = this.#stat(row);
    return {
      ref,
      offset: stat?.size ?? 0,
      total,
      ...(expected === "" ? {} : { expected }),
      startedAt,
      updatedAt: stat?.mtime.toISOString() ?? startedAt,
    };
  }

  #stat({ file }: IngestRow): Stats | undefined {
    return statSync(this.#path(file), { throwIfNoEntry: false });
  }

  #path(file: string): string {
    return `${this.#directory}/${file}`;
  }
}

/** Computes the digest of the bytes in the file again. */
async function resumed(ingest: Ingest): Promise<Ingest> {
  try {
    await ingest.resume();
    return ingest;
  } catch (error) {
    await undo(() => ingest.release());
    throw error;
  }
}

function algorithmOf(digest: string | undefined): string {
  return digest === undefined || digest === "" ? "sha256" : parseDigest(digest).algorithm;
}

function keyOf(namespace: string, ref: string): string {
  return `${namespace} ${ref}`;
}
