/** The mounts of a snapshot. */
export interface MountSpec {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** The commands that mount a snapshot on a directory, one a line, as a shell takes them. */
export function mountCommands(mounts: readonly MountSpec[], target: string): string[] {
  return mounts.map(({ type, source, options }) => {
    const list = options.length > 0 ? ` -o ${options.join(",")}` : "";
    return `mount -t ${type} ${source} ${target}${list}`;
  });
}

/** As JSON with ctr's field names. */
export function mountsJson(mounts: readonly MountSpec[]): string {
  const shown = mounts.map(({ type, source, options }) => ({ Type: type, Source: source, Options: options }));
  return JSON.stringify(shown, null, 4);
}
