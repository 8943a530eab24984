import { formatTimestamp, parseTimestamp } from "@gantry/common/timestamp";
import { endsLine, type LogEntry, parseEntry, type StreamName } from "./format.ts";

/** Which entries of a log are read, and how they are shown. */
export interface LogSelection {
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Put the time in front of each line. */
  readonly timestamps: boolean;
  /** Put the attributes that --log-opt added in front of each line. */
  readonly details: boolean;
  /** Nanoseconds since 1970; entries of exactly this time are included. */
  readonly since: bigint | undefined;
  readonly until: bigint | undefined;
}

export interface LogOutput {
  readonly stream: StreamName;
  readonly text: string;
  /** The entry is later than `until`: reading can stop. */
  readonly late: boolean;
}

/** Turns the entries of a log, given in their order, into the selected output. */
export class EntryFilter {
  readonly #selection: LogSelection;
  /** Streams whose last entry did not end its line. */
  readonly #midLine = new Set<StreamName>();

  constructor(selection: LogSelection) {
    this.#selection = selection;
  }

  /** Reads one line of the file; undefined when it is damaged or not selected. */
  read(line: Buffer): LogOutput | undefined {
    const { timestamps, since, until, ...selection } = this.#selection;
    const entry = parseEntry(line);
    if (!entry) return undefined;
    const { stream } = entry;
    if (!selection[stream]) return undefined;
    const needsTime = timestamps || since !== undefined || until !== undefined;
    const time = needsTime ? (parseTimestamp(entry.time) ?? 0n) : 0n;
    if (since !== undefined && time < since) return undefined;
    if (until !== undefined && time > until) return { stream, text: "", late: true };
    return { stream, text: this.#prefix(entry, time) + entry.log, late: false };
  }

  /** The prefix of a line stands before its first entry only. */
  #prefix({ stream, log, attrs }: LogEntry, time: bigint): string {
    const continues = this.#midLine.has(stream);
    if (endsLine(log)) this.#midLine.delete(stream);
    else this.#midLine.add(stream);
    if (continues) return "";
    const { timestamps, details } = this.#selection;
    return `${timestamps ? `${formatTimestamp(time)} ` : ""}${details ? `${formatAttributes(attrs)} ` : ""}`;
  }
}

function formatAttributes(attrs: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(attrs ?? {})
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .join(",");
}
