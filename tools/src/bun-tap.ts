import { readFileSync } from "node:fs";
// @ts-expect-error: the module exists under Bun, which alone loads this file.
import { plugin } from "bun";

/**
 * Preloaded by Bun before a test file: tap relies on two facts about V8. It measures the header of `node:v8`'s
 * serializer, for subtests in other processes, and recognises a stack frame by the name of its class.
 */
interface Edit {
  readonly file: RegExp;
  readonly from: RegExp | string;
  readonly to: string;
}

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

interface Builder {
  onLoad(options: { filter: RegExp }, load: (args: { path: string }) => { loader: "js"; contents: string }): void;
}

plugin({
  name: "tap",
  setup(builder: Builder) {
    for (const { file, from, to } of edits)
      builder.onLoad({ filter: file }, ({ path }) => {
        const text = readFileSync(path, "utf8");
        const contents = text.replace(from, to);
        if (contents === text) throw new Error(`${path} no longer contains ${from}: adapt ${import.meta.filename}`);
        return { loader: "js", contents };
      });
  },
});
