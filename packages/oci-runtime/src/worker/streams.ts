import { closeSync, constants, openSync } from "node:fs";
import { SOCK_CLOEXEC, SOCK_STREAM } from "@gantry/native-sys";
import type { Host } from "../host.ts";
import type { CreateRequest } from "../run/create/create.ts";

/** Paths of a process's streams, as the contract has them. */
export interface StreamPaths {
  readonly stdin?: string | undefined;
  readonly stdout?: string | undefined;
  readonly stderr?: string | undefined;
  readonly consoleSocket?: string | undefined;
}

type Streams = Pick<CreateRequest, "stdio" | "consoleSocket">;

/** Runs the work with the streams open and closes them afterwards: the process has its own copies. */
export async function withStreams<T>(
  host: Host,
  paths: StreamPaths,
  work: (streams: Streams) => Promise<T>,
): Promise<T> {
  const opened: number[] = [];
  const open = (path: string | undefined, flags: number) => {
    const fd = openStream(host, path ?? "/dev/null", flags);
    opened.push(fd);
    return fd;
  };
  try {
    const stdin = open(paths.stdin, constants.O_RDONLY);
    const stdout = open(paths.stdout, constants.O_WRONLY | constants.O_APPEND);
    const stderr = paths.stderr === paths.stdout ? stdout : open(paths.stderr, constants.O_WRONLY | constants.O_APPEND);
    let consoleSocket: number | undefined;
    if (paths.consoleSocket !== undefined) {
      consoleSocket = host.native.unixConnect(paths.consoleSocket, SOCK_STREAM | SOCK_CLOEXEC);
      opened.push(consoleSocket);
    }
    return await work({ stdio: [stdin, stdout, stderr], consoleSocket });
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/**
 * Opened without blocking, so that a named pipe whose other end is not there yet cannot stop this process: for reading
 * that is fine, for writing it is an error. The program gets it blocking.
 */
function openStream({ native }: Host, path: string, flags: number): number {
  try {
    const fd = openSync(path, flags | constants.O_NONBLOCK | constants.O_NOCTTY);
    native.setNonBlocking(fd, false);
    return fd;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENXIO") throw new Error(`cannot write to the named pipe ${path}: no process has it open for reading`);
    throw error;
  }
}
