/** PATH is written to; PATH.1 is the newest of the files set aside, PATH.2 the one before it; each may be compressed. */
export function numberedName(path: string, index: number): string {
  return index === 0 ? path : `${path}.${index}`;
}

export function compressedName(path: string): string {
  return `${path}.gz`;
}

/** A file that is being made and gets its real name once it is complete. */
export function temporaryName(path: string): string {
  return `${path}.new`;
}
