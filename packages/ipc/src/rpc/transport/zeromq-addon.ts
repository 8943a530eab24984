import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { isSea } from "node:sea";
import { loadAddon } from "@gantry/addon-loader";

/**
 * Stands in for zeromq's own `lib/load-addon.js` in a bundle (the build replaces that file by this one):
 * the addon is opened straight by its path, where zeromq's loader starts a process to learn which libc
 * this is and tries one variant after the other.
 */

/** Runs with glibc 2.25 or later; the newer variant needs 2.38. */
const variant = "glibc-127-Release";

declare const __filename: string | undefined;

/** Where the addon lies beside a bundle that plain Node runs; a standalone binary carries it as the asset zeromq.node. */
function developmentPath(): string {
  if (isSea()) return "";
  const from = typeof __filename === "string" ? __filename : import.meta.filename;
  const root = dirname(createRequire(from).resolve("zeromq/package.json"));
  return join(root, "build/linux", process.arch, "node", variant, "addon.node");
}

// biome-ignore lint/style/noDefaultExport: the shape of the file that this one replaces
export default loadAddon("zeromq", developmentPath());
