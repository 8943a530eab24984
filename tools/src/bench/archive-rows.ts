import { existsSync } from "node:fs";
import { debianImage } from "./debian-image.ts";
import { type Command, pairedRuns, wallTime } from "./measure.ts";
import type { Measurement } from "./rows.ts";
import { attempt, dockerMissing, must, type Side, settle, sides } from "./sides.ts";

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

/** Times a command after another that is not timed, once the file system has come to rest. */
async function timed(before: Command, command: Command): Promise<number> {
  await attempt(before);
  await settle();
  return await wallTime(command);
}

/** `load` of a Debian image that is not there. */
const loadRow: Measurement = {
  name: "load",
  run: async (setting) => {
    const archive = await debianArchive();
    const { ours, peer } = await sides(setting);
    if (!peer) return dockerMissing("load");
    const load = ({ command }: Side) => timed(command("rmi", "-f", image), command("load", "-q", "-i", archive));
    const figures = await pairedRuns(
      () => load(ours),
      () => load(peer),
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
    const { ours } = await sides(setting);
    const place = `${host.directory}/umoci`;
    const script = `skopeo copy -q --insecure-policy docker-archive:${archive} oci:${place}:l && umoci unpack --image ${place}:l ${place}.bundle`;
    const peer: Command = { argv: ["sh", "-c", script] };
    const clear: Command = { argv: ["rm", "-rf", "--one-file-system", place, `${place}.bundle`] };
    const figures = await pairedRuns(
      () => timed(ours.command("rmi", "-f", image), ours.command("load", "-q", "-i", archive)),
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
    const archive = await debianArchive();
    const { ours, peer } = await sides(setting);
    if (!peer) return dockerMissing("save");
    for (const { command } of [ours, peer]) await must(command("load", "-q", "-i", archive));
    const file = `${host.directory}/saved.tar`;
    const clear: Command = { argv: ["rm", "-f", file] };
    const save = ({ command }: Side) => timed(clear, command("save", "-o", file, image));
    const figures = await pairedRuns(
      () => save(ours),
      () => save(peer),
      runs,
    );
    await must(clear);
    return { name: "save", unit: "ms", peerName: "docker", ...figures };
  },
};

export const archiveRows: readonly Measurement[] = [loadRow, loadToolsRow, saveRow];
