import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Stdio } from "@gantry/ipc/contracts/common";
import { isSystemError, type NativeSys, S_IFIFO } from "@gantry/native-sys";
import { invalidArgument } from "../errors.ts";

/** Directories that were made for a shim's processes, one a line, for when the shim dies and cannot remove them. */
const list = "fifos";

export type Fifos = { stdin?: string; stdout: string; stderr?: string; directory: string };

export interface FifoRequest {
  /** Directory to make them in, each set in one of its own. */
  readonly parent: string;
  /** What their names begin with: the container's or the exec's id. */
  readonly id: string;
  readonly stdio: Stdio;
  readonly shimDirectory: string;
}

/**
 * Makes named pipes, named as containerd's: ID-stdin, ID-stdout, ID-stderr. A terminal has no stderr; stdin is there
 * when it is to be open.
 * @throws RpcError InvalidArgument when they cannot be made there
 */
export function makeFifos(native: NativeSys, { parent, id, stdio, shimDirectory }: FifoRequest): Fifos {
  try {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    const directory = mkdtempSync(`${parent}/`);
    appendFileSync(`${shimDirectory}/${list}`, `${directory}\n`, { mode: 0o600 });
    const make = (name: string) => {
      const path = `${directory}/${id}-${name}`;
      native.mknod(path, S_IFIFO | 0o600, 0, 0);
      return path;
    };
    return {
      directory,
      ...(stdio.stdin ? { stdin: make("stdin") } : {}),
      stdout: make("stdout"),
      ...(stdio.terminal ? {} : { stderr: make("stderr") }),
    };
  } catch (error) {
    if (isSystemError(error)) throw invalidArgument(`no named pipes can be made in ${parent}: ${error.message}`);
    throw error;
  }
}

/** What the caller of `tasks.create` is told. */
export function publicFifos({ directory: _, ...paths }: Fifos): Omit<Fifos, "directory"> {
  return paths;
}

/** Removes a shim's directory, and the named pipes that were made for its processes. */
export function removeShimFiles(shimDirectory: string): void {
  for (const directory of madeFor(shimDirectory)) rmSync(directory, { recursive: true, force: true });
  rmSync(shimDirectory, { recursive: true, force: true });
}

function madeFor(shimDirectory: string): string[] {
  try {
    return readFileSync(`${shimDirectory}/${list}`, "utf8").split("\n").filter(Boolean);
  } catch {
    return []; // none were made
  }
}
