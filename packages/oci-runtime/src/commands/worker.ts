import { join } from "node:path/posix";
import { isStandalone } from "@gantry/addon-loader";
import { jsRuntime } from "@gantry/common/js-runtime";
import { findSibling } from "@gantry/common/programs";

const name = "oci-runtime-worker";

/**
 * Becomes the program that serves these commands over messages: same process id, same streams. It is a binary of its
 * own: a command must start quickly, and the message transport needs a JS runtime that does not.
 *
 * @param args the command line without the word "worker"
 * @throws Error when that program is not installed
 */
export function becomeWorker(args: readonly string[], path: string | undefined): never {
  const [program = "", ...first] = workerProgram(path);
  if (!process.execve) throw new Error(`worker: ${process.execPath} cannot become another program`);
  return process.execve(program, [program, ...first, ...args]);
}

function workerProgram(path: string | undefined): readonly string[] {
  // In the build tree Node runs the source.
  if (jsRuntime.name === "Node.js" && !isStandalone())
    return [process.execPath, join(import.meta.dirname, "../worker-main.ts")];
  const found = findSibling(name, path ?? "");
  if (found === undefined)
    throw new Error(`worker: there is no ${name} beside ${process.execPath} or on PATH: install it with oci-runtime`);
  return [found];
}
