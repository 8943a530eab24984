import { join } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";
import { paths } from "./paths.ts";

/** The imports of programs and the sizes of their outputs, as esbuild bundles them; nothing is written. */
export async function metafileOf(entryPoints: readonly string[], plugins: Plugin[] = []): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: entryPoints.map((entry) => join(paths.packages, entry)),
    outdir: join(paths.build, "metafile"),
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    write: false,
    metafile: true,
    logLevel: "error",
    absWorkingDir: paths.root,
    plugins,
  });
  return metafile;
}
