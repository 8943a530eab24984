import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { inspect, isDeepStrictEqual } from "node:util";
import { MNT_DETACH, nativeSys } from "@gantry/native-sys";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { applyLayer, type LayerTarget } from "../src/layers/apply-layer.ts";
import { TarReader } from "../src/layers/tar-reader.ts";
import { randomStack } from "./support/layer-stacks.ts";
import { describe, randomFrom } from "./support/trees.ts";

const native = nativeSys();
/** Later than the times of all entries. */
const lastEntryTime = 1_700_000_000_000_000_000n;

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Applies a layer. @returns why it was refused */
async function applied(layer: Buffer, target: LayerTarget): Promise<string | undefined> {
  mkdirSync(target.directory, { recursive: true });
  try {
    await applyLayer(native, once(layer), target);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

interface Outcome {
  readonly tree: Record<string, unknown>;
  /** The layers that were taken, and each that was not, with those below it. */
  readonly taken: readonly Buffer[];
  readonly refused: readonly (readonly Buffer[])[];
}

/** The stack as an overlay mount shows it, without the layers that are refused. */
async function asOverlay(root: string, stack: readonly Buffer[]): Promise<Outcome> {
  const directories = [join(root, "bottom")];
  mkdirSync(directories[0] as string);
  const taken: Buffer[] = [];
  const refused: Buffer[][] = [];
  for (const [at, layer] of stack.entries()) {
    const directory = join(root, `layer${at}`);
    const why = await applied(layer, { directory, lowers: directories.toReversed(), whiteouts: "overlay" });
    if (why !== undefined) refused.push([...taken, layer]);
    else {
      directories.push(directory);
      taken.push(layer);
    }
  }
  if (taken.length === 0) return { tree: {}, taken, refused };
  const merged = join(root, "merged");
  mkdirSync(merged);
  const options = `lowerdir=${directories.toReversed().join(":")},redirect_dir=off,metacopy=off`;
  native.mount("overlay", merged, "overlay", 1, options);
  try {
    return { tree: describe(merged), taken, refused };
  } finally {
    native.umount(merged, MNT_DETACH);
  }
}

/** The stack in one directory. @returns why it was refused, else its tree */
async function asFlat(directory: string, stack: readonly Buffer[]): Promise<string | Record<string, unknown>> {
  for (const layer of stack) {
    const refused = await applied(layer, { directory, lowers: [], whiteouts: "remove" });
    if (refused !== undefined) return refused;
  }
  return stack.length === 0 ? {} : describe(directory);
}

/**
 * Without what tells hard links from copies, since an overlay cannot keep a link between files of two layers, and
 * without the times of directories that no layer has an entry for.
 */
function comparable(tree: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(tree).map(([path, seen]) => {
      const { mtimeNs, is: _, ...rest } = seen as { mtimeNs: bigint; is?: string };
      return [path, { ...rest, mtimeNs: mtimeNs > lastEntryTime ? "now" : mtimeNs }];
    }),
  );
}

function namesOf(layer: Buffer): string[] {
  const names: string[] = [];
  const entry = ({ path, type, linkPath }: { path: string; type: string; linkPath: string }) =>
    void names.push(`${path} (${type}${linkPath && ` ${linkPath}`})`);
  new TarReader({ entry, data: () => {}, entryEnd: () => {} }).push(layer);
  return names;
}

test("stacked directories under an overlay mount and a single directory hold the same tree", async (t) => {
  const first = Number(process.env["UNPACKERS_SEED"] ?? 1);
  const count = Number(process.env["UNPACKERS_COUNT"] ?? 60);
  for (let seed = first; seed < first + count; seed++) {
    await using temp = tempDir("unpackers");
    const stack = await randomStack(randomFrom(seed), { layers: 4, entries: 7 });
    const overlay = await asOverlay(temp.path, stack);
    const flat = await asFlat(join(temp.path, "flat"), overlay.taken);
    const isSame = typeof flat !== "string" && isDeepStrictEqual(comparable(overlay.tree), comparable(flat));
    if (!isSame) {
      t.comment(inspect({ seed, stack: overlay.taken.map(namesOf), flat }));
      t.same(comparable(overlay.tree), typeof flat === "string" ? flat : comparable(flat), `seed ${seed}`);
      return;
    }
    for (const [at, layers] of overlay.refused.entries()) {
      const why = await asFlat(join(temp.path, `refused${at}`), layers);
      if (typeof why === "string") continue;
      t.comment(inspect({ seed, stack: layers.map(namesOf) }));
      t.fail(`seed ${seed}: a layer is taken in a directory of its own, and refused as an overlay's`);
      return;
    }
  }
});
