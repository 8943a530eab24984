import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build, type Plugin, transform } from "esbuild";
import type { Binary } from "./binaries.ts";
import { paths } from "./paths.ts";
import { sourceCommit } from "./source-commit.ts";

/** A component and all that it imports, as CommonJS files in one directory. */
export interface Bundle {
  readonly directory: string;
  /** The file that runs first. */
  readonly main: string;
  /** That one and the files that it and they ask for by "./NAME". */
  readonly files: readonly string[];
}

/**
 * Bundles a component. Each dynamic import begins a file of its own, and what several of them need stands in files that
 * they share, so that a command loads its own code and no other: `--version` costs hardly more than Node's start.
 */
export async function bundle({ name, entry }: Pick<Binary, "name" | "entry">): Promise<Bundle> {
  const directory = join(paths.build, "bundle", name);
  await rm(directory, { recursive: true, force: true });
  await build({
    entryPoints: [join(paths.packages, entry)],
    outdir: directory,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node26",
    define: {
      sourceCommit: JSON.stringify(await sourceCommit()),
      "import.meta.url": "__moduleUrl",
      "import.meta.dirname": "__dirname",
      "import.meta.filename": "__filename",
    },
    legalComments: "none",
    minifySyntax: true,
    logLevel: "warning",
    absWorkingDir: paths.root,
    plugins: [zeromqLoader],
  });
  const files = (await readdir(directory)).sort();
  for (const file of files) await toCommonJs(join(directory, file));
  return { directory, main: `${basename(entry, ".ts")}.js`, files };
}

/** A standalone binary's import() reaches only built-in modules through the loader; require is the shorter way there. */
async function toCommonJs(path: string): Promise<void> {
  const { code } = await transform(await readFile(path, "utf8"), {
    format: "cjs",
    platform: "node",
    target: "node26",
    supported: { "dynamic-import": false },
    banner: 'const __moduleUrl = "file://" + __filename;',
    minifySyntax: true,
    logLevel: "warning",
  });
  await writeFile(path, code);
}

/** zeromq's own loader starts `ldd` and tries variants in turn; ours opens the one that fits. */
export const zeromqLoader: Plugin = {
  name: "zeromq-loader",
  setup(builder) {
    builder.onResolve({ filter: /^\.\/load-addon(\.js)?$/ }, (args) =>
      args.importer.includes(join("node_modules", "zeromq"))
        ? { path: join(paths.packages, "ipc", "src", "rpc", "transport", "zeromq-addon.ts") }
        : undefined,
    );
  },
};
