interface Span {
  readonly start: number;
  readonly end: number;
}

interface Member {
  readonly name: string;
  readonly value: Span;
}

/**
 * Sets a member of the object that a JSON text holds. All other bytes stay as they are: members that this program does
 * not know, digits beyond a number's precision, and the layout.
 * @param text a valid JSON object; empty: no member yet
 */
export function withMember(text: string, name: string, value: unknown): string {
  const json = JSON.stringify(value, null, "\t").replaceAll("\n", "\n\t");
  if (text.trim() === "") return `{\n\t${JSON.stringify(name)}: ${json}\n}\n`;
  const members = topLevelMembers(text);
  // Of members with one name the last one counts.
  const existing = members.findLast((member) => member.name === name);
  if (existing) return text.slice(0, existing.value.start) + json + text.slice(existing.value.end);
  const last = members.at(-1);
  const at = last ? last.value.end : text.indexOf("{") + 1;
  const rest = text.slice(at);
  return `${text.slice(0, at)}${last ? "," : ""}\n\t${JSON.stringify(name)}: ${json}${last ? rest : `\n${rest.trimStart()}`}`;
}

function topLevelMembers(text: string): Member[] {
  const members: Member[] = [];
  let at = skipSpace(text, text.indexOf("{") + 1);
  while (text[at] === '"') {
    const nameEnd = endOfValue(text, at);
    const start = skipSpace(text, text.indexOf(":", nameEnd) + 1);
    const end = endOfValue(text, start);
    members.push({ name: JSON.parse(text.slice(at, nameEnd)) as string, value: { start, end } });
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return members;
}

/** The offset behind the string, number, literal, list or object that begins at an offset. */
function endOfValue(text: string, start: number): number {
  const token = /"(?:[^"\\]|\\.)*"|[[\]{}]|[^\s",[\]{}:]+|[\s,:]+/gy;
  token.lastIndex = start;
  let depth = 0;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    if (/^[[{]/.test(match[0])) depth++;
    else if (/^[\]}]/.test(match[0])) depth--;
    if (depth <= 0) return token.lastIndex;
  }
  return text.length;
}

function skipSpace(text: string, at: number): number {
  const space = /\s*/y;
  space.lastIndex = at;
  space.exec(text);
  return space.lastIndex;
}
