import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { build, type Plugin } from "esbuild";
import { paths } from "./paths.ts";

/**
 * tap in one file, for the programs that run test files: its 260 modules take Node half a second of processor time to
 * load, and an emulated guest a quarter of a minute. Below `@tapjs`, so that tap leaves its frames out of stacks.
 */
export const tapBundle: string = join(paths.build, "tap", fingerprint(), "node_modules/@tapjs/tap/index.mjs");

/** Makes the bundle unless it is there. Calls side by side make it twice, and either's result will do. */
export async function makeTapBundle(): Promise<void> {
  if (existsSync(tapBundle)) return;
  const temporary = `${tapBundle}.${process.pid}`;
  await mkdir(dirname(tapBundle), { recursive: true });
  try {
    await build({
      stdin: { contents: 'export * from "tap"; export { default } from "tap";', resolveDir: paths.root },
      outfile: temporary,
      bundle: true,
      platform: "node",
      format: "esm",
      keepNames: true,
      // CommonJS modules inside call it for Node's own modules.
      banner: {
        js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
      },
      plugins: [withoutV8],
      logLevel: "error",
    });
    await rename(temporary, tapBundle);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** A change of tap's version, or of this file, makes another bundle. */
function fingerprint(): string {
  const hash = createHash("sha256");
  for (const file of [join(paths.root, "package-lock.json"), import.meta.filename]) hash.update(readFileSync(file));
  return hash.digest("hex").slice(0, 16);
}

interface Edit {
  readonly file: RegExp;
  readonly from: RegExp | string;
  readonly to: string;
}

/**
 * tap relies on two facts about V8, which Bun does not have: it measures the header of `node:v8`'s serializer, for
 * subtests in other processes, and recognises a stack frame by the name of its class.
 */
const edits: readonly Edit[] = [
  {
    file: /@tapjs\/error-serdes\/dist\/esm\/constants\.js$/,
    from: /^import \{ DefaultSerializer \}.*$/m,
    to: "class DefaultSerializer { writeHeader() {} releaseBuffer() { return { length: 2 }; } }",
  },
  {
    file: /@tapjs\/stack\/dist\/esm\/call-site-like\.js$/,
    from: "c.constructor?.name === 'CallSite'",
    to: "typeof c.getFileName === 'function'",
  },
];

const withoutV8: Plugin = {
  name: "without-v8",
  setup({ onLoad }) {
    for (const { file, from, to } of edits)
      onLoad({ filter: file }, ({ path }) => {
        const text = readFileSync(path, "utf8");
        const contents = text.replace(from, to);
        if (contents === text) throw new Error(`${path} no longer contains ${from}: adapt ${import.meta.filename}`);
        return { loader: "js", contents };
      });
  },
};
