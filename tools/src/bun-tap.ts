// @ts-expect-error: the module exists under Bun, which alone loads this file.
import { plugin } from "bun";

interface Builder {
  onLoad(options: { filter: RegExp }, load: () => { loader: "js"; contents: string }): void;
}

/** Preloaded by Bun before a test file: its tap is the bundle that GANTRY_TAP names (tap-bundle.ts). */
const bundle = JSON.stringify(process.env["GANTRY_TAP"]);

plugin({
  name: "tap",
  setup(builder: Builder) {
    builder.onLoad({ filter: /\/node_modules\/tap\/dist\/esm\/index\.js$/ }, () => ({
      loader: "js",
      contents: `export * from ${bundle}; export { default } from ${bundle};`,
    }));
  },
});
