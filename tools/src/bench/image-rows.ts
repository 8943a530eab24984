import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@gantry/testkit";
import { debianImage } from "./debian-image.ts";
import { pairedRuns, wallTime } from "./measure.ts";
import type { Measurement } from "./rows.ts";
import { attempt, dockerMissing, must, type Side, settle, sides } from "./sides.ts";

const runs = 3;
const address = "127.0.0.1:5000";
const image = `${address}/bench/debian:latest`;

/** A registry on the side's loopback that has the Debian image; it ends with the setting. */
async function startRegistry({ host }: Side): Promise<void> {
  const { layout } = await debianImage();
  const config = join(host.directory, "registry.yml");
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${host.directory}/registry}}\nhttp: {addr: "${address}"}\n`,
  );
  host.startProcess("docker-registry", ["serve", config]);
  const answers = async () => (await host.sh(`curl -s -o /dev/null http://${address}/v2/`)).code === 0;
  await waitFor(answers, { timeoutMs: 15_000, what: "the registry" });
  const copy = `skopeo copy -q --insecure-policy --dest-tls-verify=false oci:${layout}:latest docker://${image}`;
  const { code, stderr } = await host.sh(copy, { timeoutMs: 120_000 });
  if (code !== 0) throw new Error(`${copy}: ${stderr}`);
}

/** `pull` of a Debian image that is not there, from a registry on loopback. */
const pullRow: Measurement = {
  name: "pull",
  run: async (setting) => {
    const { ours, peer } = await sides(setting);
    if (!peer) return dockerMissing("pull");
    for (const side of [ours, peer]) await startRegistry(side);
    const pull = async ({ command }: Side) => {
      // Another row may have pulled it under another name: it must not be there.
      await attempt(command("rmi", "-f", image));
      await attempt(command("rmi", "-f", "bench/debian:latest"));
      await settle();
      return await wallTime(command("pull", "-q", image));
    };
    const figures = await pairedRuns(
      () => pull(ours),
      () => pull(peer),
      runs,
    );
    return { name: "pull", unit: "ms", peerName: "docker", ...figures };
  },
};

/** Files that a container adds before it is committed: some 200 MB, large and small. */
const changes = "mkdir /copy && cp -a /usr/lib/gcc /usr/lib/python3* /usr/share /copy/";

/** `commit` of a container of that image. */
const commitRow: Measurement = {
  name: "commit",
  run: async (setting) => {
    const { ours, peer } = await sides(setting);
    if (!peer) return dockerMissing("commit");
    const { rootfs } = await debianImage();
    for (const { command } of [ours, peer]) {
      await must(command("import", rootfs, "bench-base"));
      await must(command("run", "--name", "bench-commit", "bench-base", "sh", "-c", changes));
    }
    const commit = async ({ command }: Side) => {
      await attempt(command("rmi", "-f", "bench-committed"));
      await settle();
      return await wallTime(command("commit", "bench-commit", "bench-committed"));
    };
    try {
      const figures = await pairedRuns(
        () => commit(ours),
        () => commit(peer),
        runs,
      );
      return { name: "commit", unit: "ms", peerName: "docker", ...figures };
    } finally {
      for (const { command } of [ours, peer]) await attempt(command("rm", "bench-commit"));
    }
  },
};

export const imageRows: readonly Measurement[] = [pullRow, commitRow];
