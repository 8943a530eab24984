import type { Supervisor } from "./link.ts";
import { ignoreAbsent } from "./tasks.ts";

/** Label of a snapshot with the id of its container. */
const ownerLabel = "gantry.container";

/** Copying a snapshot, mounting and measuring take as long as the file system is large; see the tasks' deadlines. */
const unbounded = { timeoutMs: 0 };

/** The containers' writable root file systems; each has its container's id. */
export class RootFilesystems {
  readonly #supervisor: Supervisor;

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
  }

  /** @param parent chain id of the image's layers */
  async create(id: string, parent: string): Promise<void> {
    await this.#supervisor.call("snapshots.prepare", { key: id, parent, labels: { [ownerLabel]: id } }, unbounded);
  }

  /** Removes a root file system; its absence is no failure. */
  async remove(id: string): Promise<void> {
    await ignoreAbsent(this.#supervisor.call("snapshots.remove", { key: id }, unbounded));
  }

  /** Bytes that a container wrote. */
  async size(id: string): Promise<number> {
    return (await this.#supervisor.call("snapshots.usage", { key: id }, unbounded)).size;
  }

  /** Those that this engine made: their keys, and the containers that they were made for. */
  async list(): Promise<{ readonly key: string; readonly owner: string }[]> {
    const { snapshots } = await this.#supervisor.call("snapshots.list", {}, unbounded);
    return snapshots.flatMap(({ key, labels }) => {
      const owner = labels[ownerLabel];
      return owner === undefined ? [] : [{ key, owner }];
    });
  }

  /** Mounts a recorded container's root file system for the time of some work. */
  async withMounted<T>(id: string, work: (path: string) => Promise<T>): Promise<T> {
    const { path } = await this.#supervisor.call("containers.mountRootfs", { id }, unbounded);
    try {
      return await work(path);
    } finally {
      await this.#supervisor.call("containers.unmountRootfs", { id }, unbounded);
    }
  }
}
