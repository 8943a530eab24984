/** The table's own entry for a name from the configuration, never an inherited one such as "constructor". */
export function entryOf<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
