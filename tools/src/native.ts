import { join } from "node:path";
import type { Arch } from "./arch.ts";
import type { AssetName } from "./binaries.ts";
import { paths } from "./paths.ts";

/** Compiles (or finds up to date) the file behind an asset and returns its path. */
export async function assetFile(name: AssetName, arch: Arch): Promise<string> {
  switch (name) {
    case "zeromq.node":
      // The newest prebuilt variant that Debian 12's C library can load.
      return join(paths.root, "node_modules/zeromq/build/linux", arch.name, "node/glibc-127-Release/addon.node");
    case "native-sys.node": {
      const { buildAddon } = await import("../../packages/native-sys/build.ts");
      const outDir = join(paths.packages, "native-sys/build", arch.crossPrefix ? arch.name : "");
      const libraries = arch.sysroot ? { sysroot: arch.sysroot } : {};
      return buildAddon({ outDir, cc: arch.crossPrefix, arch: arch.triplet, ...libraries });
    }
    case "init": {
      const { buildInit } = await import("../../packages/native-sys/init/build.ts");
      const outDir = join(paths.packages, "native-sys/build", arch.crossPrefix ? arch.name : "");
      return buildInit(arch.crossPrefix ? { outDir, compiler: `${arch.crossPrefix}gcc` } : { outDir });
    }
    case "keeper": {
      const { buildKeeper } = await import("../../packages/keeper/build.ts");
      const outDir = join(paths.packages, "keeper/build", arch.crossPrefix ? arch.name : "");
      return buildKeeper(arch.crossPrefix ? { outDir, compiler: `${arch.crossPrefix}gcc` } : { outDir });
    }
    case "tini-static": {
      const { buildTini } = await import("../../packages/tini/build.ts");
      return buildTini({ arch: arch.name, ...(arch.crossPrefix ? { compiler: `${arch.crossPrefix}gcc` } : {}) });
    }
  }
}
