import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import * as tar from "tar-stream";

/** One entry of a layer; the path is relative to the root directory, without a leading slash. */
export interface LayerEntry {
  readonly path: string;
  /** Default: file. */
  readonly type?: "file" | "directory" | "symlink" | "link" | "fifo";
  readonly content?: string | Uint8Array;
  /** Target of a symlink, or the path in the archive that a link names. */
  readonly target?: string;
  /** Permission bits; 0755 for directories, 0644 for files where absent. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface ArchiveImage {
  /** NAME:TAG */
  readonly name: string;
  /** Bottom layer first. */
  readonly layers: readonly (readonly LayerEntry[])[];
  /** `config` of the OCI image configuration: Cmd, Entrypoint, Env, User, WorkingDir, ExposedPorts, … */
  readonly config: Readonly<Record<string, unknown>>;
}

const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** Packs entries into a tar. The same entries always give the same bytes. */
export async function layerTar(entries: readonly LayerEntry[]): Promise<Buffer> {
  const pack = tar.pack();
  const whole = buffer(pack);
  for (const entry of entries) {
    const { path, type = "file", target, uid = 0, gid = 0 } = entry;
    const mode = entry.mode ?? (type === "directory" ? 0o755 : type === "symlink" ? 0o777 : 0o644);
    const header: tar.Headers = { name: path, type, mode, uid, gid, mtime: new Date(0) };
    if (target !== undefined) header.linkname = target;
    if (type === "file") pack.entry(header, Buffer.from(entry.content ?? ""));
    else pack.entry(header);
  }
  pack.finalize();
  return whole;
}

/** Writes an image of this machine's processor to `path`, as `docker save` does (docker image spec v1.2). */
export async function writeDockerArchive(path: string, image: ArchiveImage): Promise<void> {
  const layers = await Promise.all(image.layers.map(layerTar));
  const diffIds = layers.map(sha256);
  const config = Buffer.from(JSON.stringify(imageConfig(image.config, diffIds)));
  const configName = `${sha256(config)}.json`;
  const layerName = (at: number) => `${diffIds[at]}/layer.tar`;
  const manifest = [{ Config: configName, RepoTags: [image.name], Layers: layers.map((_, at) => layerName(at)) }];
  const archive = await layerTar([
    ...layers.map((content, at) => ({ path: layerName(at), content })),
    { path: configName, content: config },
    { path: "manifest.json", content: JSON.stringify(manifest) },
  ]);
  writeFileSync(path, archive);
}

function imageConfig(config: Readonly<Record<string, unknown>>, diffIds: readonly string[]): object {
  return {
    architecture: architectures[process.arch] ?? process.arch,
    os: "linux",
    created: new Date(0).toISOString(),
    config,
    rootfs: { type: "layers", diff_ids: diffIds.map((id) => `sha256:${id}`) },
    history: diffIds.map(() => ({ created: new Date(0).toISOString(), created_by: "gantry testkit" })),
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
