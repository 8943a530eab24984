import { existsSync } from "node:fs";
import { join } from "node:path";
import { distBin, run } from "@gantry/testkit";
import { debianImage } from "./debian-image.ts";
import { type Command, pairedRuns, wallTime } from "./measure.ts";
import type { Measurement } from "./rows.ts";
import { inside, type Setting } from "./setting.ts";
import type { Row } from "./table.ts";

const image = "bench/debian:latest";
const runs = 3;

/** A docker-archive of the Debian image, of plain layers as docker writes them. */
async function debianArchive(): Promise<string> {
  const { layout } = await debianImage();
  const path = `${layout}.docker.tar`;
  if (!existsSync(path)) {
    await must({
      argv: ["skopeo", "copy", "-q", "--insecure-policy", `oci:${layout}:latest`, `docker-archive:${path}:${image}`],
    });
  }
  return path;
}

interface Sides {
  readonly ours: Command;
  readonly peer: Command | undefined;
}

/** A command of the client and docker's of the same words. */
async function sides(setting: Setting, ...args: string[]): Promise<Sides> {
  const stack = await setting.stack();
  const docker = await setting.docker();
  const ours = inside(stack.namespaces.pid, [join(distBin, "client"), ...args], { GANTRY_HOST: stack.host });
  return { ours, peer: docker?.command(...args) };
}

/** Times a command after another one that is not timed. */
async function timed(before: Command | undefined, command: Command): Promise<number> {
  if (before) await run(before.argv[0], before.argv.slice(1), before.env ? { env: before.env } : {});
  return await wallTime(command);
}

const missing = (name: string): Row => ({
  name,
  unit: "ms",
  peerName: "docker",
  note: "docker.io is not installed: --with-peers",
});

/** `load` of a Debian image that is not there. */
const loadRow: Measurement = {
  name: "load",
  run: async (setting) => {
    const archive = await debianArchive();
    const remove = await sides(setting, "rmi", "-f", image);
    const load = await sides(setting, "load", "-q", "-i", archive);
    const { ours, peer } = load;
    if (!peer) return missing("load");
    const figures = await pairedRuns(
      () => timed(remove.ours, ours),
      () => timed(remove.peer, peer),
      runs,
    );
    return { name: "load", unit: "ms", peerName: "docker", ...figures };
  },
};

/** The same against what copies the archive to a layout and unpacks that. */
const loadToolsRow: Measurement = {
  name: "load-umoci",
  run: async (setting) => {
    const archive = await debianArchive();
    const host = await setting.host();
    const remove = await sides(setting, "rmi", "-f", image);
    const { ours } = await sides(setting, "load", "-q", "-i", archive);
    const place = `${host.directory}/umoci`;
    const script = `skopeo copy -q --insecure-policy docker-archive:${archive} oci:${place}:l && umoci unpack --image ${place}:l ${place}.bundle`;
    const peer: Command = { argv: ["sh", "-c", script] };
    const clear: Command = { argv: ["rm", "-rf", "--one-file-system", place, `${place}.bundle`] };
    const figures = await pairedRuns(
      () => timed(remove.ours, ours),
      () => timed(clear, peer),
      runs,
    );
    await must(clear);
    return { name: "load-umoci", unit: "ms", peerName: "skopeo+umoci", ...figures };
  },
};

/** `save` of the same image into a file. */
const saveRow: Measurement = {
  name: "save",
  run: async (setting) => {
    const host = await setting.host();
    const { ours: load, peer: dockerLoad } = await sides(setting, "load", "-q", "-i", await debianArchive());
    await must(load);
    if (!dockerLoad) return missing("save");
    await must(dockerLoad);
    const file = `${host.directory}/saved.tar`;
    const { ours, peer } = await sides(setting, "save", "-o", file, image);
    const clear: Command = { argv: ["rm", "-f", file] };
    const figures = await pairedRuns(
      () => timed(clear, ours),
      () => timed(clear, peer as Command),
      runs,
    );
    await must(clear);
    return { name: "save", unit: "ms", peerName: "docker", ...figures };
  },
};

export const archiveRows: readonly Measurement[] = [loadRow, loadToolsRow, saveRow];

async function must(command: Command): Promise<void> {
  const [program, ...args] = command.argv;
  const result = await run(program, args, { timeoutMs: 600_000, ...(command.env ? { env: command.env } : {}) });
  if (result.code !== 0) throw new Error(`${command.argv.join(" ")}: ${result.stderr || result.stdout}`);
}
