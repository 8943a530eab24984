/** A snapshot's kind as ctr spells it: Active. */
export function kindName(kind: string): string {
  return kind.slice(0, 1).toUpperCase() + kind.slice(1);
}
