import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { paths } from "../../tools/src/paths.ts";
import { makeTapBundle, tapBundle } from "../../tools/src/tap-bundle.ts";

const directory = join(paths.build, "guest-tests");

/**
 * Bundles test files of the runtime's with all that they import, and returns the paths of the bundles by name: a
 * guest reads files slowly, and its emulated processor strips types more slowly still.
 */
export async function bundleForGuest(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  await makeTapBundle();
  await build({
    entryPoints: names.map((name) => join(paths.packages, "oci-runtime/test", `${name}.test.ts`)),
    outdir: directory,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    alias: { tap: tapBundle },
    external: ["zeromq"],
    // CommonJS modules inside call it for Node's own modules.
    banner: {
      js: 'import { createRequire as requireIn } from "node:module"; var require = requireIn(import.meta.url);',
    },
    plugins: [ownPlaces],
    logLevel: "error",
    absWorkingDir: paths.root,
  });
  return new Map(names.map((name) => [name, join(directory, `${name}.test.mjs`)]));
}

/** Modules that look for files beside themselves find them, wherever the bundle lies. */
const ownPlaces: Plugin = {
  name: "own-places",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const places = { url: pathToFileURL(path).href, dirname: dirname(path), filename: path };
      const contents = readFileSync(path, "utf8").replace(/\bimport\.meta\.(url|dirname|filename)\b/g, (_, name) =>
        JSON.stringify(places[name as keyof typeof places]),
      );
      return { loader: "ts", contents };
    });
  },
};
