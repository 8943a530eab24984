/** Raised when the tables change; each step is run once, in order. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE namespaces (name TEXT PRIMARY KEY, labels TEXT NOT NULL) WITHOUT ROWID;

  CREATE TABLE images (
    namespace TEXT NOT NULL, name TEXT NOT NULL, target TEXT NOT NULL, digest TEXT NOT NULL, labels TEXT NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    PRIMARY KEY (namespace, name)
  ) WITHOUT ROWID;
  CREATE INDEX images_by_digest ON images (namespace, digest);

  -- Which blobs a namespace sees. managed: made for images, and removed when no image needs it.
  CREATE TABLE blobs (
    namespace TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, labels TEXT NOT NULL,
    managed INTEGER NOT NULL, created_at TEXT NOT NULL,
    PRIMARY KEY (namespace, digest)
  ) WITHOUT ROWID;
  CREATE INDEX blobs_by_digest ON blobs (digest);

  -- What a manifest or index needs: digests of blobs, and chain ids of snapshots. Content decides it, so it is for all namespaces.
  CREATE TABLE links (parent TEXT NOT NULL, child TEXT NOT NULL, PRIMARY KEY (parent, child)) WITHOUT ROWID;

  -- id is the directory's name; it is never used twice.
  CREATE TABLE snapshots (
    id INTEGER PRIMARY KEY AUTOINCREMENT, namespace TEXT NOT NULL, key TEXT NOT NULL,
    parent_id INTEGER REFERENCES snapshots (id), kind TEXT NOT NULL, labels TEXT NOT NULL, managed INTEGER NOT NULL,
    size INTEGER, inodes INTEGER, created_at TEXT NOT NULL,
    UNIQUE (namespace, key)
  );
  CREATE INDEX snapshots_by_parent ON snapshots (parent_id);

  CREATE TABLE containers (
    namespace TEXT NOT NULL, id TEXT NOT NULL, image TEXT NOT NULL, labels TEXT NOT NULL, spec TEXT NOT NULL,
    snapshot_key TEXT NOT NULL, runtime TEXT NOT NULL, user TEXT NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    PRIMARY KEY (namespace, id)
  ) WITHOUT ROWID;

  -- A container's task: where its shim is, and how far the shim's events were taken.
  CREATE TABLE tasks (
    namespace TEXT NOT NULL, container_id TEXT NOT NULL, shim_directory TEXT NOT NULL, shim_address TEXT NOT NULL,
    shim_pid INTEGER NOT NULL, runtime TEXT NOT NULL, terminal INTEGER NOT NULL, status TEXT NOT NULL,
    pid INTEGER NOT NULL, last_event INTEGER NOT NULL, exit_status INTEGER, exited_at TEXT,
    PRIMARY KEY (namespace, container_id)
  ) WITHOUT ROWID;

  CREATE TABLE events (sequence INTEGER PRIMARY KEY, event TEXT NOT NULL);
  `,
];
