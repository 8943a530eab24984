import type { Metafile } from "esbuild";
import { binaries } from "../src/binaries.ts";
import { metafileOf } from "../src/metafile.ts";

/**
 * Holds the rule that a command loads what it uses: Node's modules that take milliseconds to load are not imported at
 * the top of anything that the usual commands of a program on Bun load, but where they are used.
 */
const heavy = new Set(
  [
    "child_process",
    "crypto",
    "fs/promises",
    "http",
    "https",
    "net",
    "readline",
    "stream",
    "tls",
    "tty",
    "worker_threads",
  ].map((name) => `node:${name}`),
);

/** Each file that a dynamic import leads to, or that runs first, with all that it imports at once. */
function violations({ inputs, outputs }: Metafile): string[] {
  const found = new Set<string>();
  for (const { entryPoint } of Object.values(outputs))
    if (entryPoint?.startsWith("packages/"))
      for (const file of loadedWith(entryPoint, inputs))
        for (const { path, kind, external } of inputs[file]?.imports ?? [])
          if (external && kind === "import-statement" && heavy.has(path))
            found.add(`${file} imports ${path} at its top`);
  return [...found];
}

function loadedWith(file: string, inputs: Metafile["inputs"], seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const { path, kind } of inputs[file]?.imports ?? [])
    if (kind === "import-statement" && inputs[path] && path.startsWith("packages/")) loadedWith(path, inputs, seen);
  return seen;
}

const found = new Set<string>();
for (const { entry, jsRuntime } of binaries)
  if (jsRuntime === "bun") for (const violation of violations(await metafileOf([entry]))) found.add(violation);
if (found.size > 0) {
  process.stderr.write(`${[...found].join("\n")}\nuse \`await import(…)\` where it is needed\n`);
  process.exitCode = 1;
}
