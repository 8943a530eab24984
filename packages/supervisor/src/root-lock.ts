import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { LOCK_EX, LOCK_NB, type NativeSys } from "@gantry/native-sys";

/** Holds a directory for this process until it ends. @throws Error naming the one that holds it */
export function lockRoot(native: NativeSys, root: string): Disposable {
  const path = `${root}/lock`;
  const fd = openSync(path, "a+", 0o600);
  if (!native.flock(fd, LOCK_EX | LOCK_NB)) {
    const pid = readFileSync(path, "utf8").trim();
    closeSync(fd);
    throw new Error(
      `${root} is in use by another supervisor${pid ? ` (process ${pid})` : ""}: give each its own --root`,
    );
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
  return { [Symbol.dispose]: () => closeSync(fd) };
}
