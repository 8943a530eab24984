import { invalid } from "../base/errors.ts";

/** A parsed "src:dst[:options]". */
export interface BindSpec {
  /** Absolute path, or the name of a volume; empty for an anonymous one. */
  readonly source: string;
  readonly destination: string;
  readonly readOnly: boolean;
  readonly noCopy: boolean;
  /** Empty for the default. */
  readonly propagation: string;
  /** As given. */
  readonly mode: string;
}

export const propagations: readonly string[] = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];
const consistencies = ["consistent", "cached", "delegated"];
const volumeName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/**
 * Reads one entry of HostConfig.Binds.
 * @throws RpcError InvalidArgument with Docker's message
 */
export function parseBind(text: string): BindSpec {
  const parts = text.split(":");
  const [first = "", second, mode = ""] = parts;
  if (parts.length > 3 || first === "" || second === "") throw invalid(`invalid volume specification: '${text}'`);
  const source = second === undefined ? "" : first;
  const destination = cleanPath(second ?? first);
  if (!destination.startsWith("/")) {
    throw invalid(
      `invalid volume specification: '${text}': invalid mount path: '${destination}' mount path must be absolute`,
    );
  }
  if (destination === "/") throw invalid(`invalid volume specification: '${text}': destination can't be '/'`);
  if (source !== "" && !source.startsWith("/")) checkVolumeName(source);
  const options = parseMode(text, mode);
  if (options.propagation && !source.startsWith("/")) {
    throw invalid(`invalid mode: ${mode}: propagation applies to host paths only`);
  }
  return { source: source.startsWith("/") ? cleanPath(source) : source, destination, mode, ...options };
}

/** @throws RpcError InvalidArgument with Docker's message */
export function checkVolumeName(name: string): void {
  if (volumeName.test(name)) return;
  if (name.length === 1)
    throw invalid(`volume name is too short, names should be at least two alphanumeric characters`);
  throw invalid(
    `"${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  );
}

function parseMode(text: string, mode: string): Pick<BindSpec, "readOnly" | "noCopy" | "propagation"> {
  const result = { readOnly: false, noCopy: false, propagation: "" };
  if (mode === "" && !text.endsWith(":")) return result;
  const seen = new Set<string>();
  for (const option of mode.split(",")) {
    const kind = kindOf(option);
    if (!kind || seen.has(kind)) throw invalid(`invalid volume specification: '${text}': invalid mode: ${mode}`);
    seen.add(kind);
    if (option === "ro") result.readOnly = true;
    if (option === "nocopy") result.noCopy = true;
    if (kind === "propagation") result.propagation = option;
  }
  return result;
}

/** Each kind of option may be given once. z and Z are for SELinux and have no effect without it. */
function kindOf(option: string): string | undefined {
  if (option === "ro" || option === "rw") return "access";
  if (option === "nocopy") return "copy";
  if (option === "z" || option === "Z") return "label";
  if (propagations.includes(option)) return "propagation";
  return consistencies.includes(option) ? "consistency" : undefined;
}

/** An absolute path without "//", "." and "..", and without a trailing slash; any other text as it is. */
export function cleanPath(path: string): string {
  if (!path.startsWith("/")) return path;
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
