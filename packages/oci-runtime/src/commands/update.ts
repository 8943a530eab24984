import { readFileSync } from "node:fs";
import { type FlagTable, type FlagValues, UsageError } from "@gantry/cli";
import type { BlockIO, CpuLimits, MemoryLimits, Resources } from "@gantry/oci-spec/runtime";
import { type RdtSchemata, updateContainer } from "../run/limits/update.ts";
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
  "cpu-burst": { type: "integer", value: "US", doc: "CPU time that may be saved up, in microseconds" },
  "cpu-rt-period": { type: "integer", value: "US", doc: "period of real-time processes, in microseconds" },
  "cpu-rt-runtime": { type: "integer", value: "US", doc: "time of real-time processes in it, in microseconds" },
  "cpu-idle": { type: "integer", value: "N", doc: "1: runs only when the CPU is otherwise idle; 0: as others" },
  "cpu-share": { type: "integer", value: "N", doc: "share of CPU time against others" },
  "cpuset-cpus": { type: "string", value: "LIST", doc: "processors to use" },
  "cpuset-mems": { type: "string", value: "LIST", doc: "memory nodes to use" },
  memory: { type: "string", value: "SIZE", doc: "memory limit, in bytes or as 64m" },
  "memory-reservation": {
    type: "string",
    value: "SIZE",
    doc: "memory that is kept under pressure, in bytes or as 64m",
  },
  "memory-swap": { type: "string", value: "SIZE", doc: "limit of memory and swap together; -1 for none" },
  "pids-limit": { type: "integer", value: "N", doc: "number of processes; -1 for no limit" },
  "l3-cache-schema": { type: "string", value: "SCHEMA", doc: "Intel RDT: share of the L3 cache" },
  "mem-bw-schema": { type: "string", value: "SCHEMA", doc: "Intel RDT: share of memory bandwidth" },
} as const satisfies FlagTable;

export const update: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "update",
      operands: "ID",
      summary: "Changes the named limits of a container.",
      flags,
      example: "oci-runtime update --memory 268435456 box",
      count: [1, 1],
    },
    context,
  );
  if (!parsed) return 0;
  const { flags: values } = parsed;
  const resources = resourcesOf(values);
  const rdt = given<RdtSchemata>({ l3CacheSchema: values["l3-cache-schema"], memBwSchema: values["mem-bw-schema"] });
  await updateContainer(await context.host(), context.store, { id: parsed.operands[0] ?? "", resources, rdt });
  return 0;
};

function resourcesOf(values: FlagValues<typeof flags>): unknown {
  if (values.resources !== undefined) return readResources(values.resources);
  const memory = given<MemoryLimits>({
    limit: bytes("--memory", values.memory),
    reservation: bytes("--memory-reservation", values["memory-reservation"]),
    swap: bytes("--memory-swap", values["memory-swap"]),
  });
  const cpu = given<CpuLimits>({
    period: values["cpu-period"],
    quota: values["cpu-quota"],
    burst: values["cpu-burst"],
    idle: values["cpu-idle"],
    realtimePeriod: values["cpu-rt-period"],
    realtimeRuntime: values["cpu-rt-runtime"],
    shares: values["cpu-share"],
    cpus: values["cpuset-cpus"],
    mems: values["cpuset-mems"],
  });
  const blockIO = given<BlockIO>({ weight: values["blkio-weight"] });
  const limit = values["pids-limit"];
  return { memory, cpu, blockIO, ...(limit === undefined ? {} : { pids: { limit } }) } satisfies Resources;
}

const units: Readonly<Record<string, number>> = { "": 0, k: 10, m: 20, g: 30, t: 40, p: 50 };

/** "64m", "1.5GiB", "67108864", or "-1" for no limit. @throws UsageError */
function bytes(flag: string, text: string | undefined): number | undefined {
  if (text === undefined || text === "-1") return text === undefined ? undefined : -1;
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text);
  const value = match ? Math.floor(Number(match[1]) * 2 ** (units[(match[2] ?? "").toLowerCase()] ?? 0)) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new UsageError(`invalid value "${text}" for ${flag}: must be bytes, a size such as 64m, or -1 for no limit`);
}

/** Leaves out the limits that no flag named. */
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
