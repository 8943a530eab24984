import { chmodSync, chownSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import type { Background } from "../background.ts";
import { alreadyExists, failedPrecondition, notFound } from "../errors.ts";
import type { Metadata } from "../metadata/index.ts";
import type { SnapshotKind, SnapshotRow } from "../metadata/snapshots.ts";
import { diskUsage } from "./usage.ts";

/** mount(8)-like; the contract's mountSpec. */
export interface MountSpec {
  type: string;
  source: string;
  options: string[];
}

export interface PrepareOptions {
  readonly labels?: Record<string, string>;
  readonly kind?: Exclude<SnapshotKind, "committed">;
  /** Made for images; see SnapshotTable. */
  readonly managed?: boolean;
}

const removing = ".removing";

/**
 * Snapshots on overlayfs: <root>/snapshots/<id>/fs holds what a snapshot adds to its parent, work is overlayfs' own.
 * A directory without a row is a leftover; a row always has its directory.
 */
export class Snapshots {
  readonly #root: string;
  readonly #metadata: Metadata;
  readonly #background: Background;

  constructor(root: string, metadata: Metadata, background: Background) {
    this.#root = `${root}/snapshots`;
    this.#metadata = metadata;
    this.#background = background;
    mkdirSync(`${this.#root}/${removing}`, { recursive: true, mode: 0o700 });
  }

  /** Removes what an earlier process left half-made or half-removed. */
  removeLeftovers(): void {
    const known = this.#metadata.snapshots.ids();
    for (const name of readdirSync(this.#root)) if (name !== removing && !known.has(name)) this.#discard(name);
    for (const name of readdirSync(`${this.#root}/${removing}`)) {
      this.#background.remove(`${this.#root}/${removing}/${name}`);
    }
  }

  /** Makes an active snapshot, or a view, on a committed parent; empty: on nothing. */
  prepare(namespace: string, key: string, parentKey: string, options: PrepareOptions = {}): SnapshotRow {
    const { snapshots } = this.#metadata;
    if (snapshots.get(namespace, key)) throw alreadyExists(`snapshot ${key} already exists`);
    const parent = parentKey === "" ? undefined : this.get(namespace, parentKey);
    if (parent && parent.kind !== "committed") {
      throw failedPrecondition(`snapshot ${parentKey} is ${parent.kind}: a parent must be committed`);
    }
    const { kind = "active", labels = {}, managed = false } = options;
    const id = snapshots.nextId();
    this.#makeDirectories(id, kind, parent);
    this.#metadata.events.publishing(() => {
      this.#metadata.namespaces.ensure(namespace);
      snapshots.insert(namespace, { id, key, parentId: parent?.id, kind, labels, managed });
      return { result: undefined, events: [{ namespace, topic: "/snapshot/prepare", id: key }] };
    });
    return this.get(namespace, key);
  }

  /** @throws RpcError NotFound */
  get(namespace: string, key: string): SnapshotRow {
    const row = this.#metadata.snapshots.get(namespace, key);
    if (!row) throw notFound(`no such snapshot in namespace ${namespace}: ${key}`);
    return row;
  }

  /** What to mount to see an active snapshot or a view. */
  mounts(row: SnapshotRow): MountSpec[] {
    if (row.kind === "committed") {
      throw failedPrecondition(`snapshot ${row.key} is committed: make a view or an active snapshot on it`);
    }
    const lowers = this.lowers(row);
    const own = this.directory(row.id);
    if (row.kind === "view") {
      if (lowers.length < 2) return [bind(lowers[0] ?? own, "ro")];
      return [{ type: "overlay", source: "overlay", options: [`lowerdir=${lowers.join(":")}`] }];
    }
    if (lowers.length === 0) return [bind(own, "rw")];
    const options = [`lowerdir=${lowers.join(":")}`, `upperdir=${own}`, `workdir=${this.#root}/${row.id}/work`];
    return [{ type: "overlay", source: "overlay", options }];
  }

  /** Where a snapshot keeps what it adds. */
  directory(id: number): string {
    return `${this.#root}/${id}/fs`;
  }

  /** Directories of all its ancestors, the nearest first. */
  lowers(row: SnapshotRow): string[] {
    if (row.parentId === undefined) return [];
    return this.#metadata.snapshots.chain(row.parentId).map(({ id }) => this.directory(id));
  }

  /** Turns an active snapshot into a committed one of another name. @param usage counted where it is not known */
  async commit(row: SnapshotRow, name: string, usage?: { size: number; inodes: number }): Promise<void> {
    if (row.kind !== "active")
      throw failedPrecondition(`snapshot ${row.key} is ${row.kind}: only active ones are committed`);
    const counted = usage ?? (await diskUsage(this.directory(row.id)));
    const { namespace } = row;
    if (this.#metadata.snapshots.get(namespace, name)) throw alreadyExists(`snapshot ${name} already exists`);
    this.#metadata.events.publishing(() => {
      this.#metadata.snapshots.commit(row.id, name, counted);
      return { result: undefined, events: [{ namespace, topic: "/snapshot/commit", id: name }] };
    });
  }

  /** Bytes and inodes of its own. */
  async usage(row: SnapshotRow): Promise<{ size: number; inodes: number }> {
    if (row.size !== undefined && row.inodes !== undefined) return { size: row.size, inodes: row.inodes };
    return await diskUsage(this.directory(row.id));
  }

  /** Removes a snapshot without children; its files go in the background. */
  remove(row: SnapshotRow): void {
    const { namespace, key } = row;
    const child = this.#metadata.snapshots.childOf(row.id);
    if (child !== undefined) throw failedPrecondition(`snapshot ${key} is the parent of ${child}`);
    this.#metadata.events.publishing(() => {
      this.#metadata.snapshots.delete(row.id);
      return { result: undefined, events: [{ namespace, topic: "/snapshot/remove", id: key }] };
    });
    this.#discard(String(row.id));
  }

  #makeDirectories(id: number, kind: SnapshotKind, parent: SnapshotRow | undefined): void {
    const directory = `${this.#root}/${id}`;
    const fs = this.directory(id);
    rmSync(directory, { recursive: true, force: true }); // of a process that was killed before the row was there
    mkdirSync(directory, { mode: 0o711 });
    mkdirSync(fs, { mode: 0o755 });
    if (kind === "active") mkdirSync(`${directory}/work`, { mode: 0o711 });
    if (!parent) return;
    // The topmost layer's root directory is what a container sees as "/".
    const stats = statSync(this.directory(parent.id));
    if (stats.uid !== 0 || stats.gid !== 0) chownSync(fs, stats.uid, stats.gid);
    if ((stats.mode & 0o7777) !== 0o755) chmodSync(fs, stats.mode & 0o7777);
  }

  #discard(name: string): void {
    const to = `${this.#root}/${removing}/${name}`;
    renameSync(`${this.#root}/${name}`, to);
    this.#background.remove(to);
  }
}

function bind(source: string, access: "ro" | "rw"): MountSpec {
  return { type: "bind", source, options: ["rbind", access] };
}
