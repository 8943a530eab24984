import { join } from "node:path";
import type { Arch } from "./arch.ts";
import { paths } from "./paths.ts";

/** Bun's npm packages, which contain the executable. The baseline build runs on older processors too. */
export const bunPackages = { x64: "@oven/bun-linux-x64-baseline", arm64: "@oven/bun-linux-aarch64" } as const;

/** Bun for this machine. */
export const bunProgram: string = join(
  paths.root,
  "node_modules",
  bunPackages[process.arch as Arch["name"]],
  "bin/bun",
);
