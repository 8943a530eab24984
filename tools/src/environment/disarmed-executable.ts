import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Arch } from "../arch.ts";
import type { JsRuntimeName } from "../binaries.ts";
import { paths } from "../paths.ts";
import { disarm } from "./disarm.ts";
import { environmentRules } from "./names.ts";

const rulesFiles = ["code.ts", "disarm.ts", "elf.ts", "names.ts"];

export interface StockExecutable {
  readonly jsRuntime: JsRuntimeName;
  readonly version: string;
  readonly arch: Arch;
  readonly path: string;
}

/** A copy of a JS runtime's executable that no variable of the JS runtime steers. Its path names all that made it. */
export async function disarmedExecutable({ jsRuntime, version, arch, path }: StockExecutable): Promise<string> {
  const hash = createHash("sha256");
  for (const file of rulesFiles) hash.update(await readFile(join(import.meta.dirname, file)));
  const name = `${jsRuntime}-${version}-${arch.name}-${hash.digest("hex").slice(0, 12)}`;
  const target = join(paths.build, "js-runtimes", name);
  if (existsSync(target)) return target;
  await mkdir(join(paths.build, "js-runtimes"), { recursive: true });
  const executable = await readFile(path);
  try {
    disarm(executable, arch.name, environmentRules[jsRuntime]);
  } catch (error) {
    throw new Error(`${basename(path)} ${version}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const temporary = `${target}.${process.pid}`;
  await writeFile(temporary, executable, { mode: 0o755 });
  await rename(temporary, target);
  return target;
}
