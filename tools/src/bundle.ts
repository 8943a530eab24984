import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { paths } from "./paths.ts";

/**
 * One CommonJS file of a component and all that it imports. Dynamic imports stay lazy: a module's body
 * runs when it is first asked for, so that `--version` pays for nothing else.
 */
export async function bundle(name: string): Promise<string> {
  const outfile = join(paths.build, "bundle", `${name}.cjs`);
  await build({
    entryPoints: [join(paths.packages, name, "src", "main.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node26",
    // A standalone binary's import() reaches only built-in modules through the loader; require is the shorter way there.
    supported: { "dynamic-import": false },
    define: {
      "import.meta.url": "__moduleUrl",
      "import.meta.dirname": "__dirname",
      "import.meta.filename": "__filename",
    },
    banner: { js: 'const __moduleUrl = "file://" + __filename;' },
    legalComments: "none",
    minifySyntax: true,
    logLevel: "warning",
    absWorkingDir: paths.root,
    plugins: [zeromqLoader],
  });
  return outfile;
}

/** zeromq's own loader starts `ldd` and tries variants in turn; ours opens the one that fits. */
const zeromqLoader: Plugin = {
  name: "zeromq-loader",
  setup(builder) {
    builder.onResolve({ filter: /^\.\/load-addon(\.js)?$/ }, (args) =>
      args.importer.includes(join("node_modules", "zeromq"))
        ? { path: join(paths.packages, "ipc", "src", "rpc", "zeromq-addon.ts") }
        : undefined,
    );
  },
};
