import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSpec } from "@gantry/oci-spec/runtime";
import { cgroupManager } from "../src/cgroup/manager.ts";
import { cgroupPaths } from "../src/cgroup/paths.ts";
import type { Facts } from "../src/facts.ts";
import { compile } from "../src/plan/compile.ts";
import { mappedMounts } from "../src/plan/mapped-mounts.ts";
import { type Plan, slotsFor } from "../src/plan/op.ts";

const directory = new URL("golden/", import.meta.url).pathname;

export interface GoldenCase {
  readonly name: string;
  readonly plan: Plan;
  /** The file with the expected text. */
  readonly path: string;
}

/** Every case below test/golden, compiled: a config.json on the host that facts.json describes. */
export function goldenCases(): GoldenCase[] {
  return readdirSync(directory).map((name) => {
    const read = (file: string) => readFileSync(join(directory, name, file), "utf8");
    const spec = parseSpec(read("config.json"));
    const facts = JSON.parse(read("facts.json")) as Facts;
    const paths = cgroupPaths(facts, spec.linux?.cgroupsPath, "box");
    const cgroup = cgroupManager(facts, paths);
    const plan = compile({
      spec,
      facts,
      options: {
        id: "box",
        bundle: "/bundle",
        rootfs: "/bundle/rootfs",
        cgroupFiles: cgroup.joinFiles(),
        cloneInto: cgroup.cloneInto(),
        cgroupPaths: paths,
        slots: slotsFor(0, mappedMounts(spec).length),
        noPivot: false,
        newKeyring: true,
      },
    });
    return { name, plan, path: join(directory, name, "plan.txt") };
  });
}
