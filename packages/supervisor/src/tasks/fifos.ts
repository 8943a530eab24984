import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Stdio } from "@gantry/ipc/contracts/common";
import { type FifoPaths, fifoListLine, fifoPaths, parseFifoList } from "@gantry/ipc/formats/fifos";
import { keeperPath, shimFiles } from "@gantry/ipc/formats/shim-directory";
import { endKeeper } from "@gantry/keeper";
import { isSystemError, type NativeSys, S_IFIFO } from "@gantry/native-sys";
import { invalidArgument } from "../errors.ts";

/** Named pipes, and their own directory. */
export type Fifos = FifoPaths & { readonly directory: string };

export interface FifoRequest {
  /** Each set of pipes gets a new directory in this one. */
  readonly parent: string;
  /** The exec's id, or the container's. */
  readonly id: string;
  readonly stdio: Stdio;
  /** The shim's directory: the pipes are listed there, for their removal if the shim dies. */
  readonly shimDirectory: string;
}

/** Creates the named pipes of a process. @throws RpcError InvalidArgument when they cannot be created there */
export function makeFifos(native: NativeSys, { parent, id, stdio, shimDirectory }: FifoRequest): Fifos {
  try {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    const directory = mkdtempSync(`${parent}/`);
    appendFileSync(`${shimDirectory}/${shimFiles.fifos}`, fifoListLine(directory), { mode: 0o600 });
    const paths = fifoPaths(directory, id, stdio);
    for (const path of Object.values(paths)) native.mknod(path, S_IFIFO | 0o600, 0, 0);
    return { directory, ...paths };
  } catch (error) {
    if (isSystemError(error)) throw invalidArgument(`no named pipes can be created in ${parent}: ${error.message}`);
    throw error;
  }
}

/** The paths for the reply to the caller. */
export function publicFifos({ directory: _, ...paths }: Fifos): FifoPaths {
  return paths;
}

/** Ends a shim's keeper, and removes the shim's directory and the named pipes of its processes. */
export async function removeShimFiles(native: NativeSys, shimDirectory: string): Promise<void> {
  await endKeeper(native, keeperPath(shimDirectory));
  for (const directory of fifoDirectories(shimDirectory)) rmSync(directory, { recursive: true, force: true });
  rmSync(shimDirectory, { recursive: true, force: true });
}

function fifoDirectories(shimDirectory: string): string[] {
  try {
    return parseFifoList(readFileSync(`${shimDirectory}/${shimFiles.fifos}`, "utf8"));
  } catch {
    return []; // no pipes were created
  }
}
