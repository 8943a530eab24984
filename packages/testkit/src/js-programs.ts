import { join } from "node:path";
import { workTree } from "./paths.ts";

/** Node.js: runs what only it can run, such as a server on zeromq. */
export const nodeProgram: string = process.versions["bun"]
  ? join(workTree, "node_modules/.bin/node")
  : process.execPath;

/**
 * The JS runtime under test: runs the sources of programs that both JS runtimes can run (client, ctr, oci-runtime).
 * `tools/test --js-runtime bun` names Bun where the test file itself needs Node.js.
 */
export const jsProgram: string = process.env["GANTRY_JS_PROGRAM"] ?? process.execPath;
