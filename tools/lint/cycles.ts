import { globSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { type ImportGraph, importCycles } from "../src/import-cycles.ts";

/**
 * Refuses cycles of imports between files: such files can be neither read nor tested one without the other.
 * `import type` does not count, since nothing of it is left at run time; `import()` counts.
 */

const root = join(import.meta.dirname, "../..");

const leaveOutPackages: Plugin = {
  name: "leave-out-packages",
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === "entry-point" || path.startsWith("@gantry/") ? undefined : { path, external: true },
    );
  },
};

async function importGraph(): Promise<ImportGraph> {
  const files = globSync(["packages/*/**/*.ts", "test/**/*.ts", "tools/**/*.ts"], {
    cwd: root,
    exclude: ["**/node_modules"],
  });
  const { metafile } = await build({
    // One entry: with one for each file, esbuild would print a bundle for each.
    stdin: {
      contents: files.map((file, index) => `export * as _${index} from "./${file}";`).join("\n"),
      resolveDir: root,
    },
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    format: "esm",
    plugins: [leaveOutPackages],
    write: false,
    metafile: true,
    logLevel: "error",
  });
  const importsOf = (file: string) =>
    (metafile.inputs[file]?.imports ?? []).filter(({ external }) => !external).map(({ path }) => path);
  return new Map(Object.keys(metafile.inputs).map((file) => [file, importsOf(file)]));
}

const cycles = importCycles(await importGraph());
for (const cycle of cycles)
  process.stderr.write(`cycles: these files import one another in a circle: ${cycle.join(", ")}\n`);
process.exitCode = cycles.length > 0 ? 1 : 0;
