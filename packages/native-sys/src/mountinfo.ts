/** One line of /proc/PID/mountinfo (proc(5)). */
export interface MountInfo {
  readonly id: number;
  readonly parentId: number;
  readonly major: number;
  readonly minor: number;
  /** The directory of the file system that is the root of this mount. */
  readonly root: string;
  readonly mountPoint: string;
  /** Per-mount options: "rw", "nosuid", "relatime", … */
  readonly options: readonly string[];
  /** "shared:1", "master:2", "propagate_from:3", "unbindable" */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  /** Options of the file system as a whole. */
  readonly superOptions: readonly string[];
}

/** Parses the text of a mountinfo file, in the kernel's order: a later mount covers an earlier one. */
export function parseMountinfo(text: string): MountInfo[] {
  return text.split("\n").flatMap((line) => {
    const mount = parseLine(line);
    return mount ? [mount] : [];
  });
}

function parseLine(line: string): MountInfo | undefined {
  const fields = line.split(" ");
  const separator = fields.indexOf("-", 6);
  const [id, parentId, device = "", root, mountPoint, options] = fields;
  const [type, source, superOptions] = fields.slice(separator + 1);
  if (separator < 0 || !root || !mountPoint || !type) return undefined;
  const [major, minor] = device.split(":");
  return {
    id: Number(id),
    parentId: Number(parentId),
    major: Number(major),
    minor: Number(minor),
    root: unescapePath(root),
    mountPoint: unescapePath(mountPoint),
    options: splitOptions(options),
    propagation: fields.slice(6, separator),
    type: unescapePath(type),
    source: unescapePath(source ?? ""),
    superOptions: splitOptions(superOptions),
  };
}

function splitOptions(text: string | undefined): string[] {
  return text ? text.split(",").map(unescapePath) : [];
}

/** Blanks, tabs, newlines, backslashes and "#" stand as octal bytes; the path around them is UTF-8. */
function unescapePath(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
