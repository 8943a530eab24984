import { formatNs, parseNs } from "../base/clock.ts";

/** What of a log is wanted. */
export interface LogSelection {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly timestamps: boolean;
  /** The attributes that --log-opt put into the lines. */
  readonly details: boolean;
  /** Nanoseconds since 1970. */
  readonly since: bigint | undefined;
  readonly until: bigint | undefined;
}

export interface LogOutput {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
  /** Written after `until`: nothing that follows is wanted either. */
  readonly late: boolean;
}

/** Reads the entries of a json-file log, in their order. */
export class EntryReader {
  readonly #selection: LogSelection;
  /** Streams whose last entry was the beginning of a long line, or its middle. */
  readonly #midLine = new Set<string>();

  constructor(selection: LogSelection) {
    this.#selection = selection;
  }

  /** One line of the file; undefined when it is not wanted, or damaged (as after a power failure). */
  read(line: Buffer): LogOutput | undefined {
    const { timestamps, since, until, ...selection } = this.#selection;
    const entry = parse(line);
    if (!entry) return undefined;
    const stream = entry.stream === "stderr" ? "stderr" : "stdout";
    if (!selection[stream]) return undefined;
    const needsTime = timestamps || since !== undefined || until !== undefined;
    const time = needsTime ? (parseNs(entry.time) ?? 0n) : 0n;
    if (since !== undefined && time < since) return undefined;
    if (until !== undefined && time > until) return { stream, text: "", late: true };
    return { stream, text: this.#prefix(stream, entry, time) + entry.log, late: false };
  }

  /** What stands before a line stands before its first part only. */
  #prefix(stream: string, { log, attrs }: Entry, time: bigint): string {
    const continues = this.#midLine.has(stream);
    if (log.endsWith("\n")) this.#midLine.delete(stream);
    else this.#midLine.add(stream);
    if (continues) return "";
    return `${this.#selection.timestamps ? `${formatNs(time)} ` : ""}${this.#selection.details ? details(attrs) : ""}`;
  }
}

interface Entry {
  readonly log: string;
  readonly stream: string;
  readonly time: string;
  readonly attrs?: Readonly<Record<string, string>>;
}

function parse(line: Buffer): Entry | undefined {
  try {
    const value = JSON.parse(line.toString("utf8")) as Partial<Entry> | null;
    return typeof value?.log === "string" && typeof value.time === "string" ? (value as Entry) : undefined;
  } catch {
    return undefined;
  }
}

function details(attrs: Readonly<Record<string, string>> | undefined): string {
  const words = Object.entries(attrs ?? {}).map(
    ([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`,
  );
  return `${words.join(",")} `;
}
