import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { BackgroundTasks } from "@gantry/common/background-tasks";
import { alreadyExists, failedPrecondition, notFound, undo } from "../errors.ts";
import type { LayerTarget } from "../layers/apply-layer.ts";
import type { Metadata } from "../metadata/index.ts";
import type { SnapshotKind, SnapshotRow, SnapshotterName } from "../metadata/snapshots.ts";
import { filesOf, type MountSpec, type SnapshotPlace } from "./driver.ts";
import type { Snapshotters } from "./snapshotters.ts";
import { diskUsage } from "./usage.ts";

export type { MountSpec } from "./driver.ts";

export interface PrepareOptions {
  readonly snapshotter?: SnapshotterName | undefined;
  readonly labels?: Record<string, string>;
  readonly kind?: Exclude<SnapshotKind, "committed">;
  /** Removed by gc once nothing needs it. */
  readonly managed?: boolean;
  /** Mode of its root directory; absent: that of its parent's. */
  readonly rootMode?: number | undefined;
  /** Aborted when the caller has given up: then the snapshot is undone. */
  readonly signal?: AbortSignal | undefined;
}

export interface CommitOptions {
  /** Measured where it is not given. */
  readonly usage?: { readonly size: number; readonly inodes: number };
  /** Replace the present ones. */
  readonly labels?: Record<string, string> | undefined;
  /** Aborted when the caller has given up: then the snapshot stays active. */
  readonly signal?: AbortSignal | undefined;
}

const removing = ".removing";

/**
 * Snapshots: <root>/snapshots/<id>/fs holds the files in the format of the snapshot's driver. The
 * rules are containerd's. A directory without a row is a leftover; a row always has its directory.
 */
export class Snapshots {
  readonly snapshotters: Snapshotters;
  readonly #root: string;
  readonly #metadata: Metadata;
  readonly #background: BackgroundTasks;
  #lastId = 0;
  /** Parents of snapshots that are being created. */
  readonly #parents: number[] = [];

  /** @param directory that of `snapshotDirectory` */
  constructor(directory: string, metadata: Metadata, background: BackgroundTasks, snapshotters: Snapshotters) {
    this.#root = directory;
    this.#metadata = metadata;
    this.#background = background;
    this.snapshotters = snapshotters;
    mkdirSync(`${this.#root}/${removing}`, { recursive: true, mode: 0o700 });
  }

  /** Removes directories that an earlier process did not finish creating or removing. */
  removeLeftovers(): void {
    const known = this.#metadata.snapshots.ids();
    for (const name of readdirSync(this.#root)) if (name !== removing && !known.has(name)) this.#discard(name);
    for (const name of readdirSync(`${this.#root}/${removing}`)) {
      this.#removeFiles(`${this.#root}/${removing}/${name}`);
    }
  }

  /** Creates an active snapshot, or a view, on a committed parent. @param parentKey empty for none */
  async prepare(namespace: string, key: string, parentKey: string, options: PrepareOptions = {}): Promise<SnapshotRow> {
    const { snapshots } = this.#metadata;
    const { kind = "active", labels = {}, managed = false, snapshotter = this.snapshotters.default, signal } = options;
    const { rootMode } = options;
    const driver = this.snapshotters.driver(snapshotter);
    if (snapshots.get(namespace, snapshotter, key)) throw alreadyExists(`snapshot ${key} already exists`);
    const parent = parentKey === "" ? undefined : this.get(namespace, parentKey, snapshotter);
    if (parent && parent.kind !== "committed") {
      throw failedPrecondition(`snapshot ${parentKey} is ${parent.kind}: a parent must be committed`);
    }
    const id = this.#newId();
    if (parent) this.#parents.push(parent.id);
    try {
      this.#makeDirectory(id);
      await driver.make({ id, kind, parents: this.#chainFrom(parent?.id) }, signal);
      // No await between this and the reply: an aborted call leaves no snapshot, any other has its caller's answer.
      signal?.throwIfAborted();
      if (rootMode !== undefined) chmodSync(this.directory(id), rootMode);
      this.#metadata.events.publishing(() => {
        if (snapshots.get(namespace, snapshotter, key)) throw alreadyExists(`snapshot ${key} already exists`);
        this.#metadata.namespaces.ensure(namespace);
        snapshots.insert(namespace, { id, snapshotter, key, parentId: parent?.id, kind, labels, managed });
        return { result: undefined, events: [{ namespace, topic: "/snapshot/prepare", id: key }] };
      });
    } catch (error) {
      await undo(() => this.#discard(String(id)));
      throw error;
    } finally {
      if (parent) this.#parents.splice(this.#parents.indexOf(parent.id), 1);
    }
    return this.get(namespace, key, snapshotter);
  }

  /** @param snapshotter absent: the default one */
  find(namespace: string, key: string, snapshotter?: SnapshotterName): SnapshotRow | undefined {
    return this.#metadata.snapshots.get(namespace, snapshotter ?? this.snapshotters.default, key);
  }

  /** @throws RpcError NotFound */
  get(namespace: string, key: string, snapshotter?: SnapshotterName): SnapshotRow {
    const row = this.find(namespace, key, snapshotter);
    if (row) return row;
    const where = snapshotter === undefined ? "" : ` and snapshotter ${snapshotter}`;
    throw notFound(`no such snapshot in namespace ${namespace}${where}: ${key}`);
  }

  /** The mounts that show an active snapshot or a view. */
  mounts(row: SnapshotRow): MountSpec[] {
    if (row.kind === "committed") {
      throw failedPrecondition(`snapshot ${row.key} is committed: create a view or an active snapshot on it`);
    }
    return this.snapshotters.driver(row.snapshotter).mounts(this.#place(row));
  }

  /** The directories for unpacking a layer onto an active snapshot. */
  layerTarget(row: SnapshotRow): LayerTarget {
    if (row.kind !== "active") throw failedPrecondition(`snapshot ${row.key} is ${row.kind}: it cannot be written to`);
    return this.snapshotters.driver(row.snapshotter).layerTarget(this.#place(row));
  }

  /** Directories that make up a snapshot, topmost first; see `isStacked`. */
  layers(row: SnapshotRow): string[] {
    const { id, kind, parents } = this.#place(row);
    const own = kind === "view" ? [] : [id];
    const all = [...own, ...parents];
    const used = this.isStacked(row) ? all : all.slice(0, 1);
    return (used.length === 0 ? [id] : used).map((layer) => this.directory(layer));
  }

  /** The directory of a snapshot's own files. */
  directory(id: number): string {
    return filesOf(this.#root, id);
  }

  /** True where its directory holds only the changes to its parent, in the format of overlayfs. */
  isStacked(row: SnapshotRow): boolean {
    return this.snapshotters.driver(row.snapshotter).isStacked;
  }

  /** Turns an active snapshot into a committed one of another name. */
  async commit(row: SnapshotRow, name: string, options: CommitOptions = {}): Promise<void> {
    if (row.kind !== "active")
      throw failedPrecondition(`snapshot ${row.key} is ${row.kind}: only active ones are committed`);
    const usage = options.usage ?? (await diskUsage(this.directory(row.id)));
    options.signal?.throwIfAborted();
    const { namespace, snapshotter } = row;
    this.#metadata.events.publishing(() => {
      if (this.find(namespace, name, snapshotter)) throw alreadyExists(`snapshot ${name} already exists`);
      // It may have been removed or committed while its size was measured.
      if (this.get(namespace, row.key, snapshotter).id !== row.id) throw notFound(`snapshot ${row.key} was replaced`);
      this.#metadata.snapshots.commit(row.id, name, usage, options.labels ?? row.labels);
      return { result: undefined, events: [{ namespace, topic: "/snapshot/commit", id: name }] };
    });
  }

  /** Sets labels; an empty value removes one. */
  label(row: SnapshotRow, labels: Record<string, string>): SnapshotRow {
    const merged = Object.entries({ ...row.labels, ...labels }).filter(([, value]) => value !== "");
    this.#metadata.snapshots.setLabels(row.id, Object.fromEntries(merged));
    return this.get(row.namespace, row.key, row.snapshotter);
  }

  /** Bytes and inodes of the snapshot alone, without its parents. */
  async usage(row: SnapshotRow): Promise<{ size: number; inodes: number }> {
    if (row.size !== undefined && row.inodes !== undefined) return { size: row.size, inodes: row.inodes };
    return await diskUsage(this.directory(row.id));
  }

  /** Bytes of a committed snapshot with all its parents. */
  wholeSize(row: SnapshotRow): number {
    if (!this.isStacked(row)) return row.size ?? 0;
    return this.#metadata.snapshots.chain(row.id).reduce((sum, { size }) => sum + size, 0);
  }

  /** True while a snapshot is being created on it. */
  isBecomingParent(id: number): boolean {
    return this.#parents.includes(id);
  }

  /** Removes a snapshot without children; its files are removed in the background. */
  remove(row: SnapshotRow): void {
    const { namespace, key } = row;
    const child = this.#metadata.snapshots.childOf(row.id);
    if (child !== undefined) throw failedPrecondition(`snapshot ${key} is the parent of ${child}`);
    if (this.isBecomingParent(row.id)) {
      throw failedPrecondition(`snapshot ${key} is the parent of a snapshot that is being created`);
    }
    this.#metadata.events.publishing(() => {
      this.#metadata.snapshots.delete(row.id);
      return { result: undefined, events: [{ namespace, topic: "/snapshot/remove", id: key }] };
    });
    this.#discard(String(row.id));
  }

  #place({ id, kind, parentId }: SnapshotRow): SnapshotPlace {
    return { id, kind, parents: this.#chainFrom(parentId) };
  }

  /** A snapshot and its ancestors, itself first. */
  #chainFrom(id: number | undefined): number[] {
    return id === undefined ? [] : this.#metadata.snapshots.chain(id).map((ancestor) => ancestor.id);
  }

  /** An id that neither a recorded snapshot nor a pending create has used. */
  #newId(): number {
    this.#lastId = Math.max(this.#metadata.snapshots.nextId(), this.#lastId + 1);
    return this.#lastId;
  }

  #makeDirectory(id: number): void {
    const directory = `${this.#root}/${id}`;
    rmSync(directory, { recursive: true, force: true }); // left by a process that was killed before it wrote the row
    mkdirSync(directory, { mode: 0o711 });
  }

  #discard(name: string): void {
    const from = `${this.#root}/${name}`;
    const to = `${this.#root}/${removing}/${name}`;
    if (!lstatSync(from, { throwIfNoEntry: false })) return;
    renameSync(from, to);
    this.#removeFiles(to);
  }

  #removeFiles(path: string): void {
    this.#background.add("removing a snapshot's files", () => rm(path, { recursive: true, force: true }));
  }
}

/** Creates the directory of all snapshots. Users of containers must be able to traverse it, but not to list it. */
export function snapshotDirectory(root: string): string {
  const directory = `${root}/snapshots`;
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  return directory;
}
