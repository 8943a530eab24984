import { archNamed } from "./arch.ts";
import type { AssetName } from "./binaries.ts";
import { assetFile } from "./native.ts";

/** node tools/src/native-cli.ts ASSET...: compiles native parts; what the `build` targets of native-sys and tini run. */
for (const name of process.argv.slice(2)) await assetFile(name as AssetName, archNamed(process.arch));
