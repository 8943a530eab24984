/** Docker's json-file format: one JSON object a line, `{"log":TEXT,"stream":NAME,"attrs":{…},"time":RFC 3339}`. */

export type StreamName = "stdout" | "stderr";

/** A line of output longer than this many bytes is logged in several entries; only the last one ends in a newline. */
export const lineLimit = 16 * 1024;

/** Bytes by which an entry that is not the last of its line may be shorter: a UTF-8 character is never split. */
const cutAllowance = 3;

/** One line of the file, decoded. */
export interface LogEntry {
  readonly log: string;
  readonly stream: StreamName;
  /** RFC 3339. */
  readonly time: string;
  /** Attributes that `--log-opt` adds to every entry. */
  readonly attrs?: Readonly<Record<string, string>>;
}

/** Decodes one line of the file; undefined when it is damaged, as after a power failure. */
export function parseEntry(line: Buffer): LogEntry | undefined {
  try {
    const value = JSON.parse(line.toString("utf8")) as Partial<LogEntry> | null;
    if (typeof value?.log !== "string" || typeof value.time !== "string") return undefined;
    return { ...(value as LogEntry), stream: value.stream === "stderr" ? "stderr" : "stdout" };
  } catch {
    return undefined;
  }
}

/**
 * Whether an entry's text ends a line of output: by a newline, or because its stream ended there. An entry without a
 * newline is continued by the next one of its stream only where it was cut at the line limit.
 */
export function endsLine(text: string): boolean {
  return text.endsWith("\n") || Buffer.byteLength(text) < lineLimit - cutAllowance;
}
