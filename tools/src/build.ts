import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Arch, archNamed } from "./arch.ts";
import { type AssetName, type Binary, binaries, onNode } from "./binaries.ts";
import { compileWithBun } from "./bun.ts";
import { bundle } from "./bundle.ts";
import { precompile } from "./code-cache.ts";
import { assetFile } from "./native.ts";
import { nodeFor } from "./node-binary.ts";
import { packageBinary } from "./package.ts";
import { paths } from "./paths.ts";

const help = `Usage:  tools/build [--only NAME]... [--arch x64|arm64] [--runtime node]

Makes the standalone binaries in dist/bin (dist/bin-ARCH for another processor).
A binary whose inputs have not changed is kept.

  --only NAME   one of: ${binaries.map((binary) => binary.name).join(", ")}, tini-static
  --arch ARCH   processor to build for (default: this machine's)
  --runtime node
                use Node for every binary, in dist/node-bin (default: Bun for the binaries that are started for each
                command, Node for those that serve)

Example:
  tools/build --only oci-runtime
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true },
      arch: { type: "string" },
      runtime: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const arch = archNamed(values.arch ?? process.arch);
  const allOnNode = values.runtime !== undefined;
  if (allOnNode && values.runtime !== "node") throw new Error(`--runtime must be node, not ${values.runtime}`);
  const directory = allOnNode ? paths.nodeBin : paths.bin;
  const make: Make = { arch, outputDirectory: arch.crossPrefix ? `${directory}-${arch.name}` : directory, allOnNode };
  const only = values.only ?? [...binaries.map((binary) => binary.name), "tini-static"];
  for (const name of only) await buildOne(name, make);
}

/** Settings that all binaries of one build share. */
interface Make {
  readonly arch: Arch;
  readonly outputDirectory: string;
  readonly allOnNode: boolean;
}

async function buildOne(name: string, make: Make): Promise<void> {
  const started = performance.now();
  const made =
    name === "tini-static"
      ? await copyTini(make)
      : await buildBinary(make.allOnNode ? onNode(binaryNamed(name)) : binaryNamed(name), make);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stderr.write(`${name.padEnd(12)} ${made ? `built in ${seconds} s` : "up to date"}\n`);
}

async function buildBinary(binary: Binary, { arch, outputDirectory }: Make): Promise<boolean> {
  const assets: Partial<Record<AssetName, string>> = {};
  for (const asset of binary.assets) assets[asset] = await assetFile(asset, arch);
  if (binary.jsRuntime === "bun")
    return compileWithBun({ binary, assets: Object.values(assets), arch, outputDirectory });
  const program = await precompile(await bundle(binary), arch);
  return packageBinary({
    name: binary.name,
    entry: program.entry,
    assets: { ...(assets as Record<string, string>), ...program.assets },
    node: await nodeFor(arch),
    arch,
    outputDirectory,
  });
}

async function copyTini({ arch, outputDirectory }: Make): Promise<boolean> {
  await mkdir(outputDirectory, { recursive: true });
  await copyFile(await assetFile("tini-static", arch), join(outputDirectory, "tini-static"));
  return true;
}

function binaryNamed(name: string): Binary {
  const found = binaries.find((binary) => binary.name === name);
  if (!found)
    throw new Error(
      `unknown binary ${name}: must be one of ${binaries.map((binary) => binary.name).join(", ")}, tini-static`,
    );
  return found;
}

main().catch((error: unknown) => {
  process.stderr.write(`tools/build: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
