import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

/** Imported by Node before a test file: its tap is the bundle that GANTRY_TAP names (tap-bundle.ts). */
const url = pathToFileURL(process.env["GANTRY_TAP"] ?? "").href;

registerHooks({
  resolve: (specifier, context, next) => (specifier === "tap" ? { url, shortCircuit: true } : next(specifier, context)),
});
