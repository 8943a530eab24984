import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Arch } from "./arch.ts";
import type { Bundle } from "./bundle.ts";
import { paths } from "./paths.ts";

const cacheDirectory = join(paths.build, "code-cache");

/** The script that a standalone binary runs first, and the files that it needs. */
export interface Program {
  readonly entry: string;
  readonly assets: Readonly<Record<string, string>>;
}

/**
 * A bundle with all its functions compiled. Node's own code cache for single executables is made before anything has
 * run, so it holds no function bodies, and each would be compiled at its first call: a fifth of what a short command
 * costs. For another processor the cache is left out; the program then compiles as it goes.
 */
export async function precompile({ directory, main, files }: Bundle, arch: Arch): Promise<Program> {
  const entry = join(directory, "start.cjs");
  await writeFile(entry, `${start}load("./${main}");\n`);
  await mkdir(cacheDirectory, { recursive: true });
  const wrapped = await Promise.all(files.map((file) => wrap(directory, file)));
  const sources = wrapped.map(({ name, source }) => [name, source] as const);
  if (arch.name !== process.arch) return { entry, assets: Object.fromEntries(sources) };
  await compileAll(wrapped);
  const caches = wrapped.map(({ name, cache }) => [`${name}.cache`, cache] as const);
  return { entry, assets: Object.fromEntries([...sources, ...caches]) };
}

/** One file as a function of CommonJS's variables, and where its code cache belongs; both named by what they hold. */
async function wrap(directory: string, name: string): Promise<Wrapped> {
  const text = (await readFile(join(directory, name), "latin1")).replace(/^#!.*/, "");
  const wrapped = `(function (exports, require, module, __filename, __dirname) {${text}\n})`;
  const key = createHash("sha256").update(`${process.version}\0${wrapped}`).digest("hex").slice(0, 16);
  const source = join(cacheDirectory, `${key}.source`);
  await writeFile(source, wrapped, "latin1");
  return { name, source, cache: join(cacheDirectory, `${key}.cache`) };
}

interface Wrapped {
  readonly name: string;
  readonly source: string;
  readonly cache: string;
}

/** A cache carries a mark of V8's flags, so a process of its own makes it: this one's may differ. */
async function compileAll(files: readonly Wrapped[]): Promise<void> {
  const missing = files.filter(({ cache }) => !existsSync(cache));
  if (missing.length === 0) return;
  const compiler = join(import.meta.dirname, "compile.ts");
  const args = missing.flatMap(({ source, cache }) => [source, cache]);
  await promisify(execFile)(process.execPath, [compiler, ...args]);
}

/** Runs the program out of the binary's assets. A cache that V8 does not take is ignored by it. */
const start = `"use strict";
const { getAssetKeys, getRawAsset } = require("node:sea");
const { Script } = require("node:vm");
const { basename } = require("node:path");
const assets = new Set(getAssetKeys());
const modules = new Map();
function load(id) {
  if (!id.startsWith("./")) return require(id);
  const loaded = modules.get(id);
  if (loaded) return loaded.exports;
  const name = id.slice(2);
  const source = Buffer.from(getRawAsset(name)).latin1Slice();
  const cachedData = assets.has(name + ".cache") ? Buffer.from(getRawAsset(name + ".cache")) : undefined;
  const script = new Script(source, { filename: basename(process.execPath) + "/" + name, cachedData });
  const module_ = { exports: {} };
  modules.set(id, module_);
  script.runInThisContext()(module_.exports, load, module_, __filename, __dirname);
  return module_.exports;
}
`;
