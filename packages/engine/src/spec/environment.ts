export const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Environment of a container's first process: PATH, HOSTNAME and (with a terminal) TERM, then the container's own.
 * A later entry replaces an earlier one of its name; an entry without "=" removes the name.
 */
export function containerEnvironment(hostname: string, tty: boolean, wanted: readonly string[]): string[] {
  const base = [defaultPath, `HOSTNAME=${hostname}`, ...(tty ? ["TERM=xterm"] : [])];
  return mergeEnvironment(base, wanted);
}

/** Entries of `base`, replaced by those of `over` with the same name. */
export function mergeEnvironment(base: readonly string[], over: readonly string[]): string[] {
  const result = new Map<string, string>();
  for (const entry of [...base, ...over]) {
    const equals = entry.indexOf("=");
    if (equals < 0) result.delete(entry);
    else result.set(entry.slice(0, equals), entry);
  }
  return [...result.values()];
}
