/** Splits one line of comma-separated fields; a field in double quotes may hold commas and doubled quotes. @throws Error */
export function splitCsv(line: string): string[] {
  const fields: string[] = [];
  let rest = line;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(?=,|$)/.exec(rest);
    const plain = /^[^,"]*(?=,|$)/.exec(rest);
    const match = quoted ?? plain;
    if (!match) throw new Error(`bare or unterminated " in ${JSON.stringify(line)}`);
    fields.push(quoted ? (quoted[1] as string).replaceAll('""', '"') : match[0]);
    if (match[0].length === rest.length) return fields;
    rest = rest.slice(match[0].length + 1);
  }
}

/** A field of a `key=value` list: the key in lower case, the value undefined when there is no "=". */
export function keyValue(field: string): { key: string; value: string | undefined } {
  const equals = field.indexOf("=");
  if (equals < 0) return { key: field.trim().toLowerCase(), value: undefined };
  return { key: field.slice(0, equals).trim().toLowerCase(), value: field.slice(equals + 1) };
}
