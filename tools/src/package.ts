import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Arch } from "./arch.ts";
import { keptOutput } from "./kept-output.ts";
import { paths } from "./paths.ts";

interface SeaTarget {
  nodeRange: string;
  platform: string;
  arch: string;
  output: string;
}
type SeaBuilder = (
  entry: string,
  options: { targets: SeaTarget[]; nodePath: string; useLocalNode: boolean; seaConfig: Record<string, unknown> },
) => Promise<void>;

export interface PackageInput {
  readonly name: string;
  /** The script that runs first. */
  readonly entry: string;
  /** Key → file of every asset. */
  readonly assets: Readonly<Record<string, string>>;
  /** The stripped Node. */
  readonly node: string;
  readonly arch: Arch;
  readonly outputDirectory: string;
}

/** Makes a standalone binary of a bundle, or keeps the one there when nothing that goes into it has changed. Returns whether it was made. */
export async function packageBinary(input: PackageInput): Promise<boolean> {
  const fingerprint = await fingerprintOf(input);
  return keptOutput({ ...input, fingerprint }, (output) => inject(input, output));
}

async function inject(input: PackageInput, output: string): Promise<void> {
  const sea = builder();
  await sea(input.entry, {
    targets: [{ nodeRange: `node${process.versions.node}`, platform: "linux", arch: input.arch.name, output }],
    nodePath: input.node,
    // pkg prepares the data with a Node of the same version: this one, where it cannot run the other processor's.
    useLocalNode: input.arch.crossPrefix !== "",
    seaConfig: {
      // Made for one processor: another's would be rejected at every start, with a warning.
      useCodeCache: input.arch.name === process.arch,
      disableExperimentalSEAWarning: true,
      // Without the first: V8's baseline compiler may wait on its thread for a collection that the main thread, which
      // waits for that thread in process.exit, never makes. Then "--": Node reads --env-file wherever it stands before
      // one, also among a program's own arguments.
      execArgv: ["--no-concurrent-sparkplug", "--disable-warning=ExperimentalWarning", "--"],
      // A program that runs as root takes no flags from the environment.
      execArgvExtension: "none",
      assets: input.assets,
    },
  });
}

function builder(): SeaBuilder {
  const require = createRequire(import.meta.url);
  const { log } = require(join(paths.root, "node_modules/pkg/lib-es5/log.js")) as {
    log: { info: (message: string) => void };
  };
  log.info = () => {};
  return (require(join(paths.root, "node_modules/pkg/lib-es5/sea.js")) as { default: SeaBuilder }).default;
}

async function fingerprintOf(input: PackageInput): Promise<string> {
  const hash = createHash("sha256").update(input.node);
  for (const file of [input.entry, import.meta.filename]) hash.update(await readFile(file));
  for (const [key, file] of Object.entries(input.assets)) hash.update(key).update(await readFile(file));
  return hash.digest("hex");
}
