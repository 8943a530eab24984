import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path/posix";
import { exampleSpec } from "@gantry/oci-spec/runtime";
import { readFacts } from "../facts.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./context.ts";

export const spec: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "spec",
      operands: "",
      summary: "Writes a config.json to start from: a shell in a terminal, in all namespaces, with few rights.",
      flags: {
        bundle: { type: "string", short: "b", value: "DIR", doc: "where to write it", default: "." },
        rootless: { type: "boolean", doc: "for a user without root: in a user namespace" },
      },
      example: "oci-runtime spec --bundle /tmp/box",
      count: [0, 0],
    },
    context,
  );
  if (!parsed) return 0;
  const path = join(resolve(parsed.flags.bundle), "config.json");
  const user = parsed.flags.rootless ? { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 } : undefined;
  const example = exampleSpec({ pureCgroup2: readFacts().cgroup.mode === "v2", user });
  try {
    writeFileSync(path, JSON.stringify(example, null, "\t"), { flag: "wx", mode: 0o666 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw new Error(`file ${path} exists: remove it first`);
    throw error;
  }
  return 0;
};
