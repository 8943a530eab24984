/** An OCI runtime by name. */
export interface RuntimeChoice {
  readonly path: string;
  /** Serves the runtime contract as a worker. */
  readonly worker: boolean;
}

/** The engine's options that containers depend on. */
export interface Settings {
  readonly runtimes: Readonly<Record<string, RuntimeChoice>>;
  readonly defaultRuntime: string;
  readonly cgroupParent: string;
  /** Program for --init. */
  readonly initPath: string;
  readonly cpus: number;
}
