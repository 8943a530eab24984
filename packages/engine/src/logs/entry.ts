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

/** Reads one line of a json-file log; undefined when it is not wanted, or damaged (as after a power failure). */
export function readEntry(line: Buffer, selection: LogSelection): LogOutput | undefined {
  const entry = parse(line);
  if (!entry) return undefined;
  const stream = entry.stream === "stderr" ? "stderr" : "stdout";
  if (!selection[stream]) return undefined;
  const needsTime = selection.timestamps || selection.since !== undefined || selection.until !== undefined;
  const time = needsTime ? (parseNs(entry.time) ?? 0n) : 0n;
  if (selection.since !== undefined && time < selection.since) return undefined;
  const late = selection.until !== undefined && time > selection.until;
  const prefix = `${selection.timestamps ? `${formatNs(time)} ` : ""}${selection.details ? details(entry.attrs) : ""}`;
  return { stream, text: late ? "" : prefix + entry.log, late };
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
