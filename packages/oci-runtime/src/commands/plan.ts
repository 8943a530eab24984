import { isAbsolute, join, resolve } from "node:path/posix";
import { cgroupManager } from "../cgroup/manager.ts";
import { cgroupPaths } from "../cgroup/paths.ts";
import { readFacts } from "../facts.ts";
import { compile } from "../plan/compile.ts";
import { explain } from "../plan/explain.ts";
import { slotsFor } from "../plan/op.ts";
import { readConfig } from "../run/create/create.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./context.ts";

export const plan: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "plan",
      operands: "[ID]",
      summary: "Prints the kernel operations that create would execute for a bundle. Nothing is changed.",
      flags: {
        bundle: { type: "string", short: "b", value: "DIR", doc: "directory that holds config.json", default: "." },
        "no-pivot": { type: "boolean", doc: "as of create" },
        "no-new-keyring": { type: "boolean", doc: "as of create" },
      },
      example: "oci-runtime plan --bundle /tmp/box",
      count: [0, 1],
    },
    context,
  );
  if (!parsed) return 0;
  const { flags, operands } = parsed;
  const [id = "container"] = operands;
  const bundle = resolve(flags.bundle);
  const spec = readConfig(bundle);
  const facts = readFacts();
  const paths = cgroupPaths(facts, spec.linux?.cgroupsPath, id);
  const cgroup = cgroupManager(facts, paths);
  const path = spec.root?.path ?? "";
  const compiled = compile({
    spec,
    facts,
    options: {
      id,
      bundle,
      rootfs: isAbsolute(path) ? path : join(bundle, path),
      cgroupFiles: cgroup.joinFiles(),
      cloneInto: cgroup.cloneInto(),
      cgroupPaths: paths,
      slots: slotsFor(0),
      noPivot: flags["no-pivot"],
      newKeyring: !flags["no-new-keyring"],
    },
  });
  context.print(explain(compiled));
  return 0;
};
