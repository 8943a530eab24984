import { binaries } from "./binaries.ts";
import { bundle } from "./bundle.ts";

/** node tools/src/bundle-cli.ts NAME: the bundle of one component; what its `build` target runs. */
const name = process.argv[2];
const binary = binaries.find((candidate) => candidate.name === name);
if (!binary) throw new Error(`usage: bundle-cli.ts ${binaries.map((candidate) => candidate.name).join("|")}`);
await bundle(binary);
