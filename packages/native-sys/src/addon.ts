import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadAddon } from "@gantry/addon-loader";
import type { NativeSys } from "./surface.ts";

let loaded: NativeSys | undefined;

/**
 * The native surface, loaded at the first call: a program that never makes one never pays for it.
 *
 * @throws Error when the addon has not been built or cannot be loaded
 */
export function nativeSys(): NativeSys {
  loaded ??= loadAddon("native-sys", developmentPath()) as NativeSys;
  return loaded;
}

/** Where `build.ts` puts the addon. A standalone binary carries its own: there no module has an address of its own. */
function developmentPath(): string {
  const url: unknown = import.meta.url;
  if (typeof url !== "string" || !url.startsWith("file:")) return "native-sys.node";
  return join(dirname(fileURLToPath(url)), "../build/native-sys.node");
}
