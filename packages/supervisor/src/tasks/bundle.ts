import { mkdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import type { ContainerRecord } from "@gantry/ipc/contracts/supervisor";
import { mountSnapshot, type NativeSys } from "@gantry/native-sys";
import { invalidArgument } from "../errors.ts";
import type { Snapshots } from "../snapshots/snapshots.ts";
import { unmountAll } from "./rootfs.ts";
import { resolveUserIn } from "./user.ts";

type Document = Record<string, unknown>;

/** Bundles (runtime-spec bundle.md): <state>/tasks/<namespace>/<id>/{config.json,rootfs}. */
export class Bundles {
  readonly #native: NativeSys;
  readonly #root: string;
  readonly #snapshots: Snapshots;
  /** Bundles whose rootfs is mounted. */
  readonly #mounted = new Set<string>();

  constructor(native: NativeSys, state: string, snapshots: Snapshots) {
    this.#native = native;
    this.#root = `${state}/tasks`;
    this.#snapshots = snapshots;
    mkdirSync(this.#root, { recursive: true, mode: 0o711 });
  }

  path(namespace: string, id: string): string {
    return `${this.#root}/${namespace}/${id}`;
  }

  /** The path of a container's root file system while it is mounted. */
  rootfs(namespace: string, container: ContainerRecord): string {
    if (container.snapshotKey !== "") return `${this.path(namespace, container.id)}/rootfs`;
    const path = documentOf(container.spec.root).path;
    if (typeof path === "string" && path.startsWith("/")) return path;
    throw invalidArgument(`container ${container.id} has neither a snapshot nor an absolute root.path`);
  }

  /** Mounts a container's root file system unless it is mounted. @returns its path */
  mount(namespace: string, container: ContainerRecord): string {
    const rootfs = this.rootfs(namespace, container);
    const bundle = this.path(namespace, container.id);
    if (container.snapshotKey === "" || this.#mounted.has(bundle)) return rootfs;
    const { snapshotKey, snapshotter } = container;
    const mounts = this.#snapshots.mounts(this.#snapshots.get(namespace, snapshotKey, snapshotter));
    mkdirSync(rootfs, { recursive: true, mode: 0o711 });
    mountSnapshot(mounts, rootfs);
    this.#mounted.add(bundle);
    return rootfs;
  }

  isMounted(namespace: string, id: string): boolean {
    return this.#mounted.has(this.path(namespace, id));
  }

  /** Registers a bundle of an earlier process, whose root file system is mounted. */
  adopt(bundle: string): void {
    this.#mounted.add(bundle);
  }

  /** Mounts the root file system and writes config.json. @returns the bundle's path */
  create(namespace: string, container: ContainerRecord): string {
    const bundle = this.path(namespace, container.id);
    mkdirSync(bundle, { recursive: true, mode: 0o711 });
    const rootfs = this.mount(namespace, container);
    const { spec } = container;
    const root = { ...documentOf(spec.root), path: container.snapshotKey === "" ? rootfs : "rootfs" };
    const config = { ...spec, root, ...this.#process(rootfs, spec.process, container.user) };
    writeFileSync(`${bundle}/config.json`, JSON.stringify(config), { mode: 0o600 });
    return bundle;
  }

  /** An OCI process with the ids of a requested user; without a request it stays as it is. */
  withUser(rootfs: string, process: Document, user: string): Document {
    if (user === "") return process;
    const requested = documentOf(process.user);
    const { uid, gid, additionalGids } = resolveUserIn(this.#native, rootfs, user);
    const extra = Array.isArray(requested.additionalGids) ? requested.additionalGids : [];
    return {
      ...process,
      user: { ...requested, uid, gid, additionalGids: [...new Set([...additionalGids, ...extra])] },
    };
  }

  /** Unmounts and removes a bundle, whole or in part. */
  async remove(namespace: string, id: string): Promise<void> {
    const bundle = this.path(namespace, id);
    this.#mounted.delete(bundle);
    await unmountAll(this.#native, `${bundle}/rootfs`);
    // Not recursive: the files of a mount that is still there must survive.
    removeEmpty(`${bundle}/rootfs`);
    rmSync(`${bundle}/config.json`, { force: true });
    removeEmpty(bundle);
  }

  #process(rootfs: string, process: unknown, user: string): { process?: Document } {
    return process === undefined ? {} : { process: this.withUser(rootfs, documentOf(process), user) };
  }
}

function documentOf(value: unknown): Document {
  return typeof value === "object" && value !== null ? (value as Document) : {};
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
