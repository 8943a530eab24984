import { bundle } from "./bundle.ts";

/** node tools/src/bundle-cli.ts NAME: the bundle of one component; what its `build` target runs. */
const name = process.argv[2];
if (!name) throw new Error("usage: bundle-cli.ts NAME");
await bundle(name);
