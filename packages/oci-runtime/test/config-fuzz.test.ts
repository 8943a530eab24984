import { readFileSync } from "node:fs";
import { test } from "tap";
import type { Facts } from "../src/facts.ts";
import { fuzzConfig } from "./config-fuzz.ts";

/**
 * For longer: `CONFIG_FUZZ_SECONDS=600 node packages/oci-runtime/test/config-fuzz.test.ts`. A failure names its seed;
 * `CONFIG_FUZZ_SEED` begins there.
 */
const seconds = Number(process.env["CONFIG_FUZZ_SECONDS"] ?? 10);
const seed = Number(process.env["CONFIG_FUZZ_SEED"] ?? Date.now() % 2 ** 31);

const facts = (name: string) =>
  JSON.parse(readFileSync(new URL(`golden/${name}/facts.json`, import.meta.url), "utf8")) as Facts;

for (const name of ["default", "v2"])
  test(`whatever a config.json holds, it is refused with a reason or becomes a safe plan (${name})`, async (t) => {
    const counts = fuzzConfig(facts(name), { seconds: seconds / 2, seed });
    t.comment(`seed ${seed}: ${JSON.stringify(counts)}`);
    t.ok(counts.refused > 10 && counts.compiled > 10, JSON.stringify(counts));
  });
