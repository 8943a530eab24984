import type { Leases } from "./content/leases.ts";
import type { ContentStore } from "./content/store.ts";
import type { Metadata } from "./metadata/index.ts";
import type { Snapshots } from "./snapshots/snapshots.ts";

/** The supervisor's durable state: the database, and the files that its rows describe. */
export interface Stores {
  readonly metadata: Metadata;
  readonly content: ContentStore;
  readonly snapshots: Snapshots;
  readonly leases: Leases;
}
