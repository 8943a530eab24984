import { resolve } from "node:path";

/** The volumes of -v in the Engine API's form. */
export interface Volumes {
  /** SOURCE:TARGET[:MODE] */
  readonly binds: string[];
  /** Anonymous volumes by their target. */
  readonly anonymous: Record<string, Record<string, never>>;
}

/**
 * Reads all of -v: a target alone is an anonymous volume; with a source it is a bind mount or a named volume.
 * A source that begins with "." is relative to the working directory. A text that is given twice counts once.
 * @throws Error
 */
export function parseVolumes(specs: readonly string[], cwd: string): Volumes {
  const volumes: Volumes = { binds: [], anonymous: {} };
  for (const spec of new Set(specs)) {
    const parts = spec.split(":");
    if (spec === "") throw new Error("invalid empty volume spec");
    if (parts.length > 3) throw new Error(`invalid spec: ${spec}: too many colons`);
    if (parts.includes("")) throw new Error(`invalid spec: ${spec}: empty section between colons`);
    const [source = "", ...rest] = parts;
    const target = rest[0] ?? source;
    if (!target.startsWith("/")) {
      throw new Error(`invalid volume specification: '${spec}': mount path must be absolute`);
    }
    if (rest.length === 0) volumes.anonymous[source] = {};
    else volumes.binds.push([source.startsWith(".") ? resolve(cwd, source) : source, ...rest].join(":"));
  }
  return volumes;
}

/** Reads all of --tmpfs: PATH or PATH:OPTIONS. @throws Error */
export function parseTmpfs(specs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    specs.map((spec) => {
      const colon = spec.indexOf(":");
      const path = colon < 0 ? spec : spec.slice(0, colon);
      if (!path.startsWith("/")) throw new Error(`invalid tmpfs "${spec}": mount path must be absolute`);
      return [path, colon < 0 ? "" : spec.slice(colon + 1)];
    }),
  );
}
