import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";
import type { Arch } from "./arch.ts";
import { paths } from "./paths.ts";

/** What a standalone binary runs first, and the files that this needs. */
export interface Program {
  readonly entry: string;
  readonly assets: Readonly<Record<string, string>>;
}

/**
 * A bundle with all its functions compiled. Node's own code cache for single executables is made before anything has
 * run, so it holds no function bodies, and each would be compiled at its first call: a fifth of what a short command
 * costs. For another processor the cache is left out; the program then compiles as it goes.
 */
export async function precompile(name: string, bundle: string, arch: Arch): Promise<Program> {
  const source = (await readFile(bundle, "latin1")).replace(/^#!.*/, "");
  const wrapped = `(function (exports, require, module, __filename, __dirname) {${source}\n})`;
  const key = createHash("sha256").update(`${process.version}\0${wrapped}`).digest("hex").slice(0, 16);
  const place = join(paths.build, "bundle", `${name}-${key}`);
  const files = { source: `${place}.source`, cache: `${place}.cache`, entry: join(paths.build, "bundle", "start.cjs") };
  await writeFile(files.entry, start);
  await writeFile(files.source, wrapped, "latin1");
  if (arch.name !== process.arch) return { entry: files.entry, assets: { source: files.source } };
  if (!existsSync(files.cache)) await writeFile(files.cache, compileAll(name, wrapped));
  return { entry: files.entry, assets: { source: files.source, cache: files.cache } };
}

/** The cache carries a mark of V8's flags as they are when it is taken, so the flag is put back before. */
function compileAll(name: string, source: string): Buffer {
  setFlagsFromString("--no-lazy");
  try {
    const script = new Script(source, { filename: `${name}.cjs` });
    setFlagsFromString("--lazy");
    return script.createCachedData();
  } finally {
    setFlagsFromString("--lazy");
  }
}

/** Runs the program out of the binary's assets. A cache that V8 does not take is ignored by it. */
const start = `"use strict";
const { getAssetKeys, getRawAsset } = require("node:sea");
const { Script } = require("node:vm");
const { basename } = require("node:path");
const source = Buffer.from(getRawAsset("source")).latin1Slice();
const cachedData = getAssetKeys().includes("cache") ? Buffer.from(getRawAsset("cache")) : undefined;
const script = new Script(source, { filename: basename(process.execPath) + ".cjs", cachedData });
const module_ = { exports: {} };
script.runInThisContext()(module_.exports, require, module_, __filename, __dirname);
`;
