import { join, resolve } from "node:path";

/** The top of the work tree. */
export const workTree: string = resolve(import.meta.dirname, "../../..");

/** Where the build puts the standalone binaries; GANTRY_BIN names another directory of them. */
export const distBin: string = process.env["GANTRY_BIN"] ?? join(workTree, "dist/bin");
