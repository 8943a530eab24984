// Generated from schema/messages.json by schema/generate.ts; change it there.

export const protocolVersion = 1;

export const limits = {
  message: 65536,
  name: 32,
  descriptors: 512,
  processes: 256,
  clients: 8,
  passed: 250,
} as const;

export const spawnFlags = {
  /** The first descriptor is the program; path is ignored. */
  program: 1,
  /** The next descriptor is a cgroup v2 directory to start in (CLONE_INTO_CGROUP). */
  cgroup: 2,
  /** Start in a session of its own (setsid(2)). */
  session: 4,
  /** Descriptor 0 becomes the controlling terminal of the new session. */
  terminal: 8,
} as const;

/** Number and fields, in their order on the wire, of every message. */
export const messages = {
  /** Opens a connection; it must come first. The reply's value is the keeper's version. With watch the connection receives exits; an earlier watcher gets `replaced` and is closed. */
  hello: { number: 1, fields: { version: "number", watch: "number" } },
  /** Starts a child; the reply's value is its pid, with a pidfd. Descriptors: the program and the cgroup where flags name them, then 0, 1, 2, … of the child. An exit is remembered only under a name. */
  spawn: { number: 2, fields: { name: "string", path: "string", argv: "strings", env: "strings", cwd: "string", flags: "number", cloneFlags: "number" } },
  /** Remembers the exit of a child under a name. ECHILD when the process is no child, or was reaped. */
  adopt: { number: 3, fields: { name: "string", pid: "number" } },
  /** While on, children without a name are not reaped: an exit cannot be lost before its adoption. It stays as it is when the client ends. */
  settle: { number: 4, fields: { on: "number" } },
  /** Signals a named process. ESRCH when it has ended: its pid can never be another process's. */
  signal: { number: 5, fields: { name: "string", signal: "number" } },
  /** Forgets a process that has ended. EBUSY while it runs; an unknown name is no error. */
  acknowledge: { number: 6, fields: { name: "string" } },
  /** Holds descriptors by name, one for each name; a name that is in use gets the new descriptor. */
  put: { number: 7, fields: { names: "strings" } },
  /** Copies of held descriptors, in the order of the names. ENOENT when one is not held. */
  get: { number: 8, fields: { names: "strings" } },
  /** Closes held descriptors; an unknown name is no error. */
  drop: { number: 9, fields: { names: "strings" } },
  /** Answered by `listing`. */
  list: { number: 10, fields: { } },
  /** Ends the keeper after the reply. Its children get another parent. */
  shutdown: { number: 11, fields: { } },
  /** The answer to every request but list. error is 0 or an errno, text then the call that failed. */
  reply: { number: 64, fields: { error: "number", value: "number", text: "string" } },
  /** Everything that is kept. states has four numbers for each of the processes: pid, code (0 while it runs, else CLD_EXITED, CLD_KILLED or CLD_DUMPED), status, time. */
  listing: { number: 65, fields: { pid: "number", settling: "number", descriptors: "strings", processes: "strings", states: "numbers" } },
  /** Sent to the watcher when a named process has ended, and after its hello for each exit that is not acknowledged. time is CLOCK_REALTIME in nanoseconds. */
  exited: { number: 66, fields: { name: "string", pid: "number", code: "number", status: "number", time: "number" } },
  /** Another watcher has taken over; the connection is closed. */
  replaced: { number: 67, fields: { } },
} as const;

/** Fields of each message. */
export interface Fields {
  readonly hello: {
    readonly version: number | bigint;
    readonly watch: number | bigint;
  };
  readonly spawn: {
    readonly name: string;
    readonly path: string;
    readonly argv: readonly string[];
    readonly env: readonly string[];
    readonly cwd: string;
    readonly flags: number | bigint;
    readonly cloneFlags: number | bigint;
  };
  readonly adopt: {
    readonly name: string;
    readonly pid: number | bigint;
  };
  readonly settle: {
    readonly on: number | bigint;
  };
  readonly signal: {
    readonly name: string;
    readonly signal: number | bigint;
  };
  readonly acknowledge: {
    readonly name: string;
  };
  readonly put: {
    readonly names: readonly string[];
  };
  readonly get: {
    readonly names: readonly string[];
  };
  readonly drop: {
    readonly names: readonly string[];
  };
  readonly list: Record<never, never>;
  readonly shutdown: Record<never, never>;
  readonly reply: {
    readonly error: number | bigint;
    readonly value: number | bigint;
    readonly text: string;
  };
  readonly listing: {
    readonly pid: number | bigint;
    readonly settling: number | bigint;
    readonly descriptors: readonly string[];
    readonly processes: readonly string[];
    readonly states: readonly (number | bigint)[];
  };
  readonly exited: {
    readonly name: string;
    readonly pid: number | bigint;
    readonly code: number | bigint;
    readonly status: number | bigint;
    readonly time: number | bigint;
  };
  readonly replaced: Record<never, never>;
}

export type MessageName = keyof Fields;
