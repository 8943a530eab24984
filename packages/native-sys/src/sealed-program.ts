import { writeSync } from "node:fs";
import {
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
} from "./constants.ts";
import type { NativeSys } from "./surface.ts";

/** Of linux/fcntl.h: the mode keeps its x bits, so that the program cannot be made unusable. */
const F_SEAL_EXEC = 0x20;

/**
 * Puts a program into a sealed memory file (memfd_create(2)): it needs no file system, no path leads to it, and
 * it cannot be changed.
 * @param name as /proc shows it
 * @returns its descriptor, close-on-exec; the caller closes it
 */
export function sealedProgram(native: NativeSys, name: string, bytes: Uint8Array): number {
  const fd = executableMemory(native, name);
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
  const seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  fromLinux63(
    () => native.addSeals(fd, seals | F_SEAL_EXEC),
    () => native.addSeals(fd, seals),
  );
  return fd;
}

/** MFD_EXEC keeps the execute permission, which the sysctl vm.memfd_noexec may remove by default. */
function executableMemory(native: NativeSys, name: string): number {
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  return fromLinux63(
    () => native.memfdCreate(name, flags | MFD_EXEC),
    () => native.memfdCreate(name, flags),
  );
}

function fromLinux63<T>(call: () => T, before: () => T): T {
  try {
    return call();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EINVAL") throw error;
    return before();
  }
}
