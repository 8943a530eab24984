import type { RequestOf } from "@gantry/ipc";
import { isRpcError } from "@gantry/ipc";
import type { supervisorContract } from "@gantry/ipc/contracts/supervisor";
import type { Supervisor } from "./link.ts";
import { ignoreAbsent, type Tasks } from "./tasks.ts";

type Methods = (typeof supervisorContract)["methods"];

/** The user of a container that names none: looked up like others, so that root's additional groups apply. */
export const superuser = "0";

/** The supervisor's record of a container; its snapshot has the container's id as key. */
export type ContainerRecord = Pick<
  RequestOf<Methods["containers.create"]>,
  "id" | "image" | "spec" | "runtime" | "user"
>;

/** The supervisor's records of containers. A container has one from its first start or mount on. */
export class ContainerRecords {
  readonly #supervisor: Supervisor;
  readonly #tasks: Tasks;
  /** Ids that are known to have a record: the first attempt is then an update. */
  readonly #known = new Set<string>();

  constructor(supervisor: Supervisor, tasks: Tasks) {
    this.#supervisor = supervisor;
    this.#tasks = tasks;
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  /** Takes note of a record that an earlier engine made. */
  noteExisting(id: string): void {
    this.#known.add(id);
  }

  /** Creates a record, or replaces its spec and user. */
  async put(record: ContainerRecord): Promise<void> {
    const { id, spec, user } = record;
    if (!this.#known.has(id)) {
      try {
        await this.#supervisor.call("containers.create", { ...record, labels: {}, snapshotKey: id });
        this.#known.add(id);
        return;
      } catch (error) {
        if (!isRpcError(error, "AlreadyExists")) throw error;
        this.#known.add(id);
      }
    }
    await this.#supervisor.call("containers.update", { id, spec, user });
  }

  async list(): Promise<string[]> {
    return (await this.#supervisor.call("containers.list", {})).containers.map(({ id }) => id);
  }

  /** Deletes a record and, where its end could not be recorded (as on a full disk), its task. */
  async delete(id: string): Promise<void> {
    await ignoreAbsent(this.#delete(id));
    this.#known.delete(id);
  }

  async #delete(id: string): Promise<void> {
    try {
      await this.#supervisor.call("containers.delete", { id });
    } catch (error) {
      if (!isRpcError(error, "FailedPrecondition")) throw error;
      await ignoreAbsent(this.#tasks.delete({ containerId: id }));
      await this.#supervisor.call("containers.delete", { id });
    }
  }
}
