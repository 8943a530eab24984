import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildAddon } from "../build.ts";
import { CLONE_NEWNS, MS_PRIVATE, MS_REC, type NativeSys, nativeSys, P_PIDFD } from "../src/index.ts";

await buildAddon({ outDir: join(import.meta.dirname, "../build") });

export const native: NativeSys = nativeSys();

/** Cleanup steps of a test. */
export interface Teardown {
  teardown(undo: () => void): void;
}

export function temporaryDirectory(t: Teardown): string {
  const path = mkdtempSync(join(tmpdir(), "native-sys-"));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Puts this process's main thread into a mount namespace of its own: no mount of the test outlives it or is seen outside. */
export function privateMounts(): void {
  native.unshare(CLONE_NEWNS);
  native.mount(null, "/", null, MS_REC | MS_PRIVATE, null);
}

/** Runs a program to its end and returns what it wrote. */
export function output(program: string, ...argv: string[]): string {
  return execFileSync(program, argv, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Blocks until the process behind a pidfd has ended; returns how. */
export function waitFor(pidFd: number): { code: number; status: number } {
  for (;;) {
    const exit = native.waitid(P_PIDFD, pidFd, 0);
    if (exit) return exit;
    // Woken by nothing but time: this is a test's own thread, with nothing else to do.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

/** The error that a call throws; undefined when it does not. */
export function thrownBy(call: () => unknown): Error | undefined {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  return undefined;
}
