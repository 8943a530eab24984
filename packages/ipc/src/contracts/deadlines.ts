/**
 * Deadlines (milliseconds) along the chain that runs a container: each is longer than the one below it, so that the
 * program next to a failure reports it, and undoes its own part, before its caller gives up.
 */
export const deadlines = {
  /** A command of an OCI runtime, awaited by the shim. */
  runtime: 90_000,
  /** A shim's method that runs such a command, awaited by the supervisor. */
  shim: 120_000,
  /** A `tasks` method of the supervisor that calls the shim once, awaited by its clients. */
  task: 150_000,
} as const;

/** The same for checkpoint and restore, which write and read all memory of a container. */
export const checkpointDeadlines = { runtime: 600_000, shim: 630_000, task: 660_000 } as const;

/** A shim's method that runs no command, awaited by the supervisor; below the default deadline of a call. */
export const shimAnswerDeadline = 20_000;
