import type { CheckpointOptions } from "@gantry/ipc/contracts/common";

/** Descriptors of this process that become a container process's streams; a missing one is /dev/null. */
export interface RuntimeStreams {
  readonly stdin?: number;
  readonly stdout?: number;
  readonly stderr?: number;
  /** With a terminal: the Unix socket that receives its master; there are no descriptors then. */
  readonly consoleSocket?: string;
}

/** An object that another specification defines. */
export type Document = Readonly<Record<string, unknown>>;

/**
 * An OCI runtime, acting on the shim's one container. Its processes become children of the keeper.
 * Every method fails with an RpcError that carries the runtime's own message.
 */
export interface OciRuntime {
  /** Creates the container from its bundle. @returns the id of its first process, which waits for start */
  create(bundle: string, streams: RuntimeStreams): Promise<number>;
  start(): Promise<void>;
  /** The container's status in the OCI state (runtime-spec "state"); runtimes add "paused". */
  status(): Promise<string>;
  /** Runs an OCI process in the container. @returns its id */
  exec(process: Document, streams: RuntimeStreams): Promise<number>;
  /** Signals the first process, or every process. */
  kill(signal: number, all: boolean): Promise<void>;
  /** Removes the container, whose processes have ended. */
  delete(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ids, on the host, of every process. */
  pids(): Promise<number[]>;
  /** Changes limits (an OCI linux.resources object). */
  update(resources: Document): Promise<void>;
  /** The data of `events --stats`. */
  stats(): Promise<Document>;
  /** Freezes the container into files. */
  checkpoint(options: CheckpointOptions): Promise<void>;
  /** Makes and starts the container from such files. @returns the id of its first process, which runs */
  restore(bundle: string, imagePath: string, streams: RuntimeStreams): Promise<number>;
  /** Ends the processes of the runtime itself. */
  close(): void;
}
