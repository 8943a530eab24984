import { join } from "node:path";
import { distBin, run } from "@gantry/testkit";
import { binaries } from "../binaries.ts";
import { archiveRows } from "./archive-rows.ts";
import { imageRows } from "./image-rows.ts";
import { type Command, figure, pairedTimes, soloTimes } from "./measure.ts";
import { privateDirty, processesNamed } from "./memory.ts";
import { runtimeRows } from "./runtime-rows.ts";
import { inside, type Setting } from "./setting.ts";
import type { Row } from "./table.ts";

/** How to fill one row. */
export interface Measurement {
  readonly name: string;
  run(setting: Setting): Promise<Row>;
}

/** Our binary's `--version` against an empty Node program. */
const startRows: Measurement[] = binaries.map(({ name }) => ({
  name: `start-${name}`,
  run: async () => {
    const ours: Command = { argv: [join(distBin, name), "--version"] };
    const peer: Command = { argv: [process.execPath, "-e", "0"] };
    return { name: `start-${name}`, unit: "ms", peerName: "node -e 0", ...(await pairedTimes(ours, peer, 15)) };
  },
}));

/** One client command against docker's. `arguments` may make what the command needs first. */
function againstDocker(
  name: string,
  args: readonly string[],
  options: { runs?: number; container?: boolean } = {},
): Measurement {
  return {
    name,
    run: async (setting) => {
      const stack = await setting.stack();
      const docker = await setting.docker();
      const ours = inside(stack.namespaces.pid, [join(distBin, "client"), ...args], { GANTRY_HOST: stack.host });
      const keep = ["run", "-d", "--name", "bench", "busybox", "sleep", "100000"];
      if (options.container) await stack.client(keep);
      try {
        if (!docker)
          return {
            name,
            unit: "ms",
            ours: await soloTimes(ours, options.runs ?? 15),
            peerName: "docker",
            note: "docker.io is not installed: --with-peers",
          };
        const peer = docker.command(...args);
        if (options.container) await runOnce(docker.command(...keep));
        const result = await pairedTimes(ours, peer, options.runs ?? 15);
        if (options.container) await runOnce(docker.command("rm", "-f", "bench"));
        return { name, unit: "ms", peerName: "docker", ...result };
      } finally {
        if (options.container) await stack.client(["rm", "-f", "bench"]);
      }
    },
  };
}

async function runOnce(command: Command): Promise<void> {
  const [program, ...args] = command.argv;
  const result = await run(program, args, command.env ? { env: command.env } : {});
  if (result.code !== 0) throw new Error(`${command.argv.join(" ")}: ${result.stderr}`);
}

/** Private dirty memory of an idle process of ours against the peer's. */
function memoryRow(name: string, peerName: string): Measurement {
  return {
    name: `memory-${name}`,
    run: async (setting) => {
      const stack = await setting.stack();
      const docker = await setting.docker();
      const keep = ["run", "-d", "--name", "idle", "busybox", "sleep", "100000"];
      await stack.client(keep);
      if (docker) await runOnce(docker.command(...keep));
      // An idle daemon releases the memory of its start after a while.
      await new Promise((resolve) => setTimeout(resolve, 12_000));
      const own = name === "shim" ? [await stack.shimOf("idle")] : processesNamed(name, stack.state);
      const others = docker ? processesNamed(peerName, docker.directory).map(privateDirty) : [];
      const row = { name: `memory-${name}`, unit: "MB", ours: figure(own.map(privateDirty)), peerName } as const;
      await stack.client(["rm", "-f", "idle"]);
      if (docker) await runOnce(docker.command("rm", "-f", "idle"));
      return others.length > 0
        ? { ...row, peer: figure(others) }
        : { ...row, note: `${peerName} is not there: --with-peers` };
    },
  };
}

/** All rows, in the order they are shown. */
export const measurements: readonly Measurement[] = [
  ...startRows,
  againstDocker("run-bridge", ["run", "--rm", "busybox", "true"]),
  againstDocker("run-none", ["run", "--rm", "--network", "none", "busybox", "true"]),
  againstDocker("exec", ["exec", "bench", "true"], { container: true }),
  againstDocker("ps", ["ps"], { container: true }),
  ...runtimeRows,
  ...archiveRows,
  ...imageRows,
  memoryRow("engine", "dockerd"),
  memoryRow("supervisor", "containerd"),
  memoryRow("shim", "containerd-shim-runc-v2"),
];
