/** Steps from each version of the database to the next (SQLite's user_version), each run once, in order. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE namespaces (name TEXT PRIMARY KEY, labels TEXT NOT NULL) WITHOUT ROWID;

  CREATE TABLE images (
    namespace TEXT NOT NULL, name TEXT NOT NULL, target TEXT NOT NULL, digest TEXT NOT NULL, labels TEXT NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    PRIMARY KEY (namespace, name)
  ) WITHOUT ROWID;
  CREATE INDEX images_by_digest ON images (namespace, digest);

  -- The blobs that a namespace sees. managed: removed by gc once nothing needs them.
  CREATE TABLE blobs (
    namespace TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, labels TEXT NOT NULL,
    managed INTEGER NOT NULL, created_at TEXT NOT NULL,
    PRIMARY KEY (namespace, digest)
  ) WITHOUT ROWID;
  CREATE INDEX blobs_by_digest ON blobs (digest);

  -- The digests and chain ids that a manifest or index needs. They follow from its content, so they hold for all namespaces.
  CREATE TABLE links (parent TEXT NOT NULL, child TEXT NOT NULL, PRIMARY KEY (parent, child)) WITHOUT ROWID;

  -- id is also the name of the directory; it is never used twice.
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

  -- A container's task: its shim, and the last event of the shim that was processed.
  CREATE TABLE tasks (
    namespace TEXT NOT NULL, container_id TEXT NOT NULL, shim_directory TEXT NOT NULL, shim_address TEXT NOT NULL,
    shim_pid INTEGER NOT NULL, runtime TEXT NOT NULL, terminal INTEGER NOT NULL, status TEXT NOT NULL,
    pid INTEGER NOT NULL, last_event INTEGER NOT NULL, exit_status INTEGER, exited_at TEXT,
    PRIMARY KEY (namespace, container_id)
  ) WITHOUT ROWID;

  CREATE TABLE events (sequence INTEGER PRIMARY KEY, event TEXT NOT NULL);
  `,
  `
  -- A key is unique in its namespace and snapshotter.
  CREATE TABLE snapshots_by_snapshotter (
    id INTEGER PRIMARY KEY AUTOINCREMENT, namespace TEXT NOT NULL, snapshotter TEXT NOT NULL, key TEXT NOT NULL,
    parent_id INTEGER REFERENCES snapshots (id), kind TEXT NOT NULL, labels TEXT NOT NULL, managed INTEGER NOT NULL,
    size INTEGER, inodes INTEGER, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    UNIQUE (namespace, snapshotter, key)
  );
  INSERT INTO snapshots_by_snapshotter
    SELECT id, namespace, 'overlayfs', key, parent_id, kind, labels, managed, size, inodes, created_at, created_at
    FROM snapshots;
  INSERT INTO sqlite_sequence (name, seq)
    SELECT 'snapshots_by_snapshotter', 0
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'snapshots_by_snapshotter');
  UPDATE sqlite_sequence SET seq = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'snapshots'), 0)
    WHERE name = 'snapshots_by_snapshotter';
  DROP TABLE snapshots;
  ALTER TABLE snapshots_by_snapshotter RENAME TO snapshots;
  CREATE INDEX snapshots_by_parent ON snapshots (parent_id);

  -- The snapshotter of a container's root file system; empty for a container without a snapshot.
  ALTER TABLE containers ADD COLUMN snapshotter TEXT NOT NULL DEFAULT '';
  UPDATE containers SET snapshotter = 'overlayfs' WHERE snapshot_key <> '';
  `,
  `
  -- Why a task ended, where its exit status does not show it.
  ALTER TABLE tasks ADD COLUMN reason TEXT;
  `,
  `
  ALTER TABLE blobs ADD COLUMN updated_at TEXT NOT NULL DEFAULT '';
  UPDATE blobs SET updated_at = created_at;
  -- The labels that gc reads: roots and references.
  CREATE INDEX blobs_with_gc_labels ON blobs (namespace) WHERE instr(labels, '"containerd.io/gc.') > 0;
  CREATE INDEX snapshots_with_gc_labels ON snapshots (namespace) WHERE instr(labels, '"containerd.io/gc.') > 0;
  CREATE INDEX snapshots_managed ON snapshots (namespace) WHERE managed = 1;
  CREATE INDEX containers_by_snapshot ON containers (namespace, snapshotter, snapshot_key);

  -- Resumable ingests: file is a name in the directory of ingests.
  CREATE TABLE ingests (
    namespace TEXT NOT NULL, ref TEXT NOT NULL, file TEXT NOT NULL UNIQUE, expected TEXT NOT NULL,
    total INTEGER NOT NULL, started_at TEXT NOT NULL,
    PRIMARY KEY (namespace, ref)
  ) WITHOUT ROWID;

  CREATE TABLE leases (
    namespace TEXT NOT NULL, id TEXT NOT NULL, labels TEXT NOT NULL, created_at TEXT NOT NULL,
    PRIMARY KEY (namespace, id)
  ) WITHOUT ROWID;
  -- type: content, ingests, snapshots/<snapshotter>
  CREATE TABLE lease_resources (
    namespace TEXT NOT NULL, lease TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (namespace, lease, type, id),
    FOREIGN KEY (namespace, lease) REFERENCES leases (namespace, id) ON DELETE CASCADE
  ) WITHOUT ROWID;
  `,
];
