import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");

/** Places of the work tree. */
export const paths = {
  root,
  packages: join(root, "packages"),
  /** Intermediate results: bundles, the stripped Node, stamps. */
  build: join(root, "build"),
  bin: join(root, "dist", "bin"),
  /** Binaries that Node runs, all of them. */
  nodeBin: join(root, "dist", "node-bin"),
} as const;
