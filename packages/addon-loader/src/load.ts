import { homedir } from "node:os";
import { embeddedAsset } from "./asset.ts";
import { directoriesFor, ownsMachine } from "./directories.ts";
import { unpack } from "./unpack.ts";

/**
 * Loads a native addon by name.
 *
 * A standalone binary carries its addons as assets. The loader can only open files, so an asset is
 * unpacked once into a directory that belongs to this user alone (mode 0700), and its bytes are compared
 * with the asset before every load. A file, and not memory, so that all processes share its pages.
 * From the build tree the file given as `developmentPath` is loaded as it is.
 *
 * @param name file name without ".node", also the asset's key
 * @param developmentPath absolute path used when this is not a standalone binary
 * @throws Error when the directory is not this user's own, or the addon cannot be loaded
 */
export function loadAddon(name: string, developmentPath: string): unknown {
  const asset = embeddedAsset(`${name}.node`);
  const path = asset ? unpack(name, asset, places()) : developmentPath;
  const module: { exports: unknown } = { exports: {} };
  process.dlopen(module, path);
  return module.exports;
}

function places(): string[] {
  return directoriesFor({ root: ownsMachine(), runtime: process.env["XDG_RUNTIME_DIR"], home: homedir() });
}
