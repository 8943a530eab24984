/** A challenge of a 401 response (RFC 9110, 11.6.1; distribution's token authentication). */
export interface Challenge {
  /** Lower case: bearer, basic. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Reads a WWW-Authenticate header, which may have several challenges. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  const token = /([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*)))?\s*,?\s*/y;
  while (token.lastIndex < header.length) {
    const match = token.exec(header);
    if (!match) return challenges;
    const [, name = "", quoted, plain] = match;
    const value = quoted?.replace(/\\(.)/g, "$1") ?? plain;
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: {} });
    else if (challenges.length > 0)
      (challenges.at(-1) as { parameters: Record<string, string> }).parameters[name.toLowerCase()] = value;
  }
  return challenges;
}
