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

  -- Where a container's root file system is; empty for one without a snapshot.
  ALTER TABLE containers ADD COLUMN snapshotter TEXT NOT NULL DEFAULT '';
  UPDATE containers SET snapshotter = 'overlayfs' WHERE snapshot_key <> '';
  `,
  `
  -- Why a task ended, where its exit status does not tell.
  ALTER TABLE tasks ADD COLUMN reason TEXT;
  `,
  `
  ALTER TABLE blobs ADD COLUMN updated_at TEXT NOT NULL DEFAULT '';
  UPDATE blobs SET updated_at = created_at;
  -- What collection looks at first: labels that keep something, or lead to what is kept.
  CREATE INDEX blobs_with_gc_labels ON blobs (namespace) WHERE instr(labels, '"containerd.io/gc.') > 0;
  CREATE INDEX snapshots_with_gc_labels ON snapshots (namespace) WHERE instr(labels, '"containerd.io/gc.') > 0;
  CREATE INDEX snapshots_managed ON snapshots (namespace) WHERE managed = 1;
  CREATE INDEX containers_by_snapshot ON containers (namespace, snapshotter, snapshot_key);

  -- Bytes on their way into the store that can be gone on with: file is a name in the ingests' directory.
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
