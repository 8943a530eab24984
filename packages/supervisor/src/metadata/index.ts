import { BlobTable } from "./blobs.ts";
import { ContainerTable } from "./containers.ts";
import { Database } from "./database.ts";
import { Events } from "./events.ts";
import { ImageTable } from "./images.ts";
import { IngestTable } from "./ingests.ts";
import { LeaseTable } from "./leases.ts";
import { Namespaces } from "./namespaces.ts";
import { SnapshotTable } from "./snapshots.ts";
import { TaskTable } from "./tasks.ts";

/** The tables of the supervisor's database. */
export interface Metadata {
  readonly db: Database;
  readonly namespaces: Namespaces;
  readonly images: ImageTable;
  readonly blobs: BlobTable;
  readonly ingests: IngestTable;
  readonly leases: LeaseTable;
  readonly snapshots: SnapshotTable;
  readonly containers: ContainerTable;
  readonly tasks: TaskTable;
  readonly events: Events;
}

/**
 * Opens the database; a missing file is created.
 * @param onUnreadable called for damaged rows that can be done without
 * @throws Error for a file of a later version
 */
export function openMetadata(path: string, onUnreadable: (error: unknown) => void = rethrow): Metadata {
  const db = new Database(path);
  return {
    db,
    namespaces: new Namespaces(db),
    images: new ImageTable(db),
    blobs: new BlobTable(db),
    ingests: new IngestTable(db),
    leases: new LeaseTable(db),
    snapshots: new SnapshotTable(db),
    containers: new ContainerTable(db),
    tasks: new TaskTable(db),
    events: new Events(db, onUnreadable),
  };
}

function rethrow(error: unknown): never {
  throw error;
}
