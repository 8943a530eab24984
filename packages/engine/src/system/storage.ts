import { isRpcError } from "@gantry/ipc";
import type { Supervisor } from "../supervisor/link.ts";

/** The snapshotter that holds the file systems of images and containers, and the reason for its choice. */
export interface Storage {
  readonly name: string;
  readonly reason: string;
}

const unknown: Storage = { name: "unknown", reason: "" };

/** The supervisor's default snapshotter, which this engine uses. */
export class StorageDriver {
  readonly #supervisor: Supervisor;
  #last = unknown;

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
  }

  /** The present storage; the last known while the supervisor does not answer; "unknown" if it cannot report it. */
  async describe(): Promise<Storage> {
    try {
      const { default: name, reason } = await this.#supervisor.call("snapshots.snapshotters", {});
      this.#last = { name, reason };
      return this.#last;
    } catch (error) {
      if (isRpcError(error, "Unimplemented")) return unknown;
      if (isRpcError(error, "Unavailable") || isRpcError(error, "DeadlineExceeded")) return this.#last;
      throw error;
    }
  }
}
