import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { LOCK_EX, LOCK_NB, type NativeSys } from "@gantry/native-sys";

/** Holds the state directory for this process until it ends. @throws Error naming the engine that has it */
export function lockState(native: NativeSys, state: string): Disposable {
  const path = `${state}/engine.lock`;
  const fd = openSync(path, "a+", 0o600);
  if (!native.flock(fd, LOCK_EX | LOCK_NB)) {
    const pid = readFileSync(path, "utf8").trim();
    closeSync(fd);
    throw new Error(`${state} is in use by another engine${pid ? ` (process ${pid})` : ""}: give each its own --state`);
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
  return { [Symbol.dispose]: () => closeSync(fd) };
}
