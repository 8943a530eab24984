import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { embeddedAsset } from "@gantry/addon-loader";
import { type NativeSys, SOCK_CLOEXEC, SOCK_SEQPACKET, sealedProgram } from "@gantry/native-sys";

/** As many connections may wait to be accepted as may be open. */
const backlog = 8;

/** The keeper's program: a file that the standalone binary carries, or that of the build tree. */
export function readKeeperProgram(): Uint8Array {
  return embeddedAsset("keeper") ?? readFileSync(join(import.meta.dirname, "../build/keeper"));
}

/**
 * Starts a keeper that listens at a path, in a session of its own: it outlives this process once it keeps something.
 * @param directory of mode 0700: every process that can open the socket may use the keeper
 * @returns its pid: the caller is its parent
 * @throws the system's error
 */
export function startKeeper(sys: NativeSys, path: string, program = readKeeperProgram()): number {
  const listener = sys.unixListen(path, SOCK_SEQPACKET | SOCK_CLOEXEC, backlog);
  const none = openSync("/dev/null", "r+");
  const memory = sealedProgram(sys, "keeper", program);
  try {
    const { pid, pidFd } = sys.spawn({
      program: memory,
      argv: ["keeper", path], // for people who list processes
      env: [],
      fds: [none, none, none, listener],
      setsid: true,
      cwd: "/",
    });
    sys.closeFd(pidFd);
    return pid;
  } finally {
    for (const fd of [listener, none, memory]) closeSync(fd);
  }
}
