import { readFileSync } from "node:fs";
import type { FlagTable, FlagValues } from "@gantry/cli";
import type { BlockIO, CpuLimits, MemoryLimits, Resources } from "@gantry/oci-spec/runtime";
import { updateContainer } from "../run/inspect.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./context.ts";

const flags = {
  resources: {
    type: "string",
    short: "r",
    value: "FILE",
    doc: "a linux.resources object as JSON; - for standard input",
  },
  "blkio-weight": { type: "integer", value: "N", doc: "share of block I/O, 10 to 1000" },
  "cpu-period": { type: "integer", value: "US", doc: "CPU period in microseconds" },
  "cpu-quota": { type: "integer", value: "US", doc: "CPU time in a period, in microseconds" },
  "cpu-share": { type: "integer", value: "N", doc: "share of CPU time against others" },
  "cpuset-cpus": { type: "string", value: "LIST", doc: "processors to use" },
  "cpuset-mems": { type: "string", value: "LIST", doc: "memory nodes to use" },
  memory: { type: "integer", value: "BYTES", doc: "memory limit" },
  "memory-reservation": { type: "integer", value: "BYTES", doc: "memory that is kept under pressure" },
  "memory-swap": { type: "integer", value: "BYTES", doc: "limit of memory and swap together; -1 for none" },
  "pids-limit": { type: "integer", value: "N", doc: "number of processes; -1 for no limit" },
} as const satisfies FlagTable;

export const update: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "update",
      operands: "ID",
      summary: "Changes a container's limits; those that are not named stay.",
      flags,
      example: "oci-runtime update --memory 268435456 box",
      count: [1, 1],
    },
    context,
  );
  if (!parsed) return 0;
  const resources = resourcesOf(parsed.flags);
  await updateContainer(await context.host(), context.store, { id: parsed.operands[0] ?? "", resources });
  return 0;
};

function resourcesOf(values: FlagValues<typeof flags>): unknown {
  if (values.resources !== undefined) return readResources(values.resources);
  const memory = given<MemoryLimits>({
    limit: values.memory,
    reservation: values["memory-reservation"],
    swap: values["memory-swap"],
  });
  const cpu = given<CpuLimits>({
    period: values["cpu-period"],
    quota: values["cpu-quota"],
    shares: values["cpu-share"],
    cpus: values["cpuset-cpus"],
    mems: values["cpuset-mems"],
  });
  const blockIO = given<BlockIO>({ weight: values["blkio-weight"] });
  const limit = values["pids-limit"];
  return { memory, cpu, blockIO, ...(limit === undefined ? {} : { pids: { limit } }) } satisfies Resources;
}

/** Leaves out what no flag named. */
function given<T>(fields: { [K in keyof T]?: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

function readResources(path: string): unknown {
  const text = readFileSync(path === "-" ? 0 : path, "utf8");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`--resources: ${path} is not JSON: ${(error as Error).message}`);
  }
}
