/** A time as it travels: RFC 3339, UTC. */
export function now(): string {
  return new Date().toISOString();
}

export function parseLabels(text: unknown): Record<string, string> {
  return text === "{}" ? {} : JSON.parse(String(text));
}
