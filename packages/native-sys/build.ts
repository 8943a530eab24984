import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "addon");
const exportsMap = join(source, "exports.map");

export interface AddonBuild {
  /** Where native-sys.node and its object files go. */
  readonly outDir: string;
  /** The prefix of "g++" in the compiler's name, such as "aarch64-linux-gnu-"; empty for this machine's. */
  readonly cc?: string;
  /** The Debian multiarch triplet whose libseccomp.a is linked; the compiler's own when absent. */
  readonly arch?: string;
  /** A directory with the usr/include and usr/lib of that processor's libseccomp-dev; the machine's own when absent. */
  readonly sysroot?: string;
}

/**
 * Compiles the addon with g++ alone and returns its path. Only what changed since the last call is compiled.
 *
 * @throws Error with the compiler's message, or naming the library that is missing
 */
export async function buildAddon(options: AddonBuild): Promise<string> {
  const compiler = `${options.cc ?? ""}g++`;
  const triplet = options.arch ?? (await run(compiler, ["-dumpmachine"])).stdout.trim();
  const objects = join(options.outDir, `addon-${triplet}`);
  mkdirSync(objects, { recursive: true });
  const flags = [...compileFlags(), ...(options.sysroot ? ["-isystem", join(options.sysroot, "usr/include")] : [])];
  const settings = [compiler, ...flags].join(" ");
  const stamp = join(objects, "flags");
  const sameFlags = existsSync(stamp) && readFileSync(stamp, "utf8") === settings;
  const files = readdirSync(source).filter((name) => name.endsWith(".cc"));
  const stale = files.filter((name) => !sameFlags || isStale(join(objects, name)));
  await inParallel(stale, (name) => compile([compiler, ...flags], name, objects));
  writeFileSync(stamp, settings);
  const output = join(options.outDir, "native-sys.node");
  const built = files.map((name) => join(objects, `${name}.o`));
  const inputs = [...built, exportsMap];
  const current = stale.length === 0 && existsSync(output) && inputs.every((file) => mtime(file) <= mtime(output));
  if (!current) await link(compiler, built, seccompLibrary(triplet, options.sysroot ?? "/"), output);
  return output;
}

function compileFlags(): string[] {
  const require = createRequire(import.meta.url);
  const nodeApi = dirname(require.resolve("node-api-headers/package.json"));
  const nodeAddonApi = dirname(require.resolve("node-addon-api/package.json"));
  const includes = [join(nodeApi, "include"), nodeAddonApi, libuvHeaders(require)];
  return [
    ...["-std=c++17", "-O2", "-fPIC", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections"],
    ...["-Wall", "-Wextra", "-D_GNU_SOURCE", "-DNAPI_VERSION=9", "-DNODE_ADDON_API_CPP_EXCEPTIONS"],
    ...includes.flatMap((directory) => ["-isystem", directory]),
  ];
}

/** The headers of the libuv inside the pinned Node; they are the same for every Linux architecture. */
function libuvHeaders(require: NodeJS.Require): string {
  const node = dirname(require.resolve("node/package.json"));
  const platform = readdirSync(join(node, "node_modules")).find((name) => name.startsWith("node-linux-"));
  const candidates = [
    ...(platform ? [join(node, "node_modules", platform, "include/node")] : []),
    join(dirname(dirname(process.execPath)), "include/node"),
    "/usr/include/node",
  ];
  const found = candidates.find((directory) => existsSync(join(directory, "uv.h")));
  if (!found) throw new Error(`uv.h is in none of ${candidates.join(", ")}: install the npm package "node"`);
  return found;
}

function seccompLibrary(triplet: string, sysroot: string): string {
  const multiarch = triplet.replace("-pc-linux-", "-linux-").replace("-unknown-linux-", "-linux-");
  const path = join(sysroot, "usr/lib", multiarch, "libseccomp.a");
  if (!existsSync(path)) throw new Error(`${path} is missing: install libseccomp-dev for ${multiarch}`);
  return path;
}

/** True when an object file is older than its source or a header that it was made from (the compiler's .d file). */
function isStale(base: string): boolean {
  const object = `${base}.o`;
  const dependencies = `${base}.d`;
  if (!existsSync(object) || !existsSync(dependencies)) return true;
  const made = mtime(object);
  const [, list = ""] = readFileSync(dependencies, "utf8").split(/:\s/, 2);
  return list
    .split(/[\s\\]+/)
    .filter((file) => file !== "")
    .some((file) => !existsSync(file) || mtime(file) > made);
}

async function compile(command: readonly string[], name: string, objects: string): Promise<void> {
  const output = join(objects, name);
  // Renamed when whole: two builds at once then both end with good files.
  const temporary = `${output}.${process.pid}`;
  const files = ["-MMD", "-MF", `${temporary}.d`, "-c", join(source, name), "-o", `${temporary}.o`];
  const [compiler = "", ...flags] = command;
  const { stderr } = await run(compiler, [...flags, ...files], { maxBuffer: 1 << 24 });
  process.stderr.write(stderr);
  for (const suffix of [".d", ".o"]) renameSync(temporary + suffix, output + suffix);
}

async function link(compiler: string, objects: string[], seccomp: string, output: string): Promise<void> {
  const flags = ["-shared", "-s", "-static-libstdc++", "-static-libgcc", "-pthread"];
  const linker = ["-Wl,--gc-sections", `-Wl,--version-script=${exportsMap}`, "-Wl,-z,relro,-z,now"];
  const temporary = `${output}.${process.pid}`;
  await run(compiler, [...flags, ...linker, "-o", temporary, ...objects, seccomp]);
  // A process may have the former file mapped: it keeps that one.
  renameSync(temporary, output);
}

function mtime(path: string): number {
  return statSync(path).mtimeMs;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

if (import.meta.main) console.log(await buildAddon({ outDir: join(here, "build") }));
