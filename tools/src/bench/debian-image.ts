import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { run } from "@gantry/testkit";
import { paths } from "../paths.ts";

/** Packages that make it 300 MB and more, of many small files and some large ones. */
const packages = ["ca-certificates", "g++", "git", "python3"];
const minutes = 60_000;

export interface DebianImage {
  /** Plain tar of the root file system. */
  readonly rootfs: string;
  /** OCI image layout (image-spec image-layout.md) of one gzip layer, tagged "latest". */
  readonly layout: string;
}

/** A real Debian image of more than 300 MB unpacked, made once by debootstrap from the mirror that apt uses. */
export async function debianImage(): Promise<DebianImage> {
  const image = {
    rootfs: join(paths.build, "rootfs/debian-bench.tar"),
    layout: join(paths.build, "rootfs/debian-bench"),
  };
  await mkdir(join(paths.build, "rootfs"), { recursive: true });
  if (!existsSync(image.rootfs)) await makeRootfs(image.rootfs);
  if (!existsSync(image.layout)) await makeLayout(image);
  return image;
}

async function makeRootfs(tar: string): Promise<void> {
  const directory = `${tar}.${process.pid}`;
  try {
    const include = `--include=${packages.join(",")}`;
    await must("debootstrap", ["--variant=minbase", include, "bookworm", directory, await aptMirror()]);
    const excluded = ["./dev/*", "./proc/*", "./sys/*", "./var/cache/apt/*", "./var/lib/apt/lists/*"];
    const flags = ["--numeric-owner", "--sort=name", ...excluded.map((path) => `--exclude=${path}`)];
    await must("tar", ["-C", directory, ...flags, "-cf", `${tar}.new`, "."]);
    await rename(`${tar}.new`, tar);
  } finally {
    await run("rm", ["-rf", "--one-file-system", directory]);
  }
}

async function makeLayout({ rootfs, layout }: DebianImage): Promise<void> {
  const made = `${layout}.${process.pid}`;
  const blobs = join(made, "blobs/sha256");
  try {
    await mkdir(blobs, { recursive: true });
    const layer = join(made, "layer");
    await must("sh", ["-c", 'gzip -n <"$0" >"$1"', rootfs, layer]);
    const layerHex = await sha256(layer);
    await rename(layer, join(blobs, layerHex));
    const { size } = await stat(join(blobs, layerHex));
    const config = {
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      config: { Cmd: ["bash"] },
      rootfs: { type: "layers", diff_ids: [`sha256:${await sha256(rootfs)}`] },
    };
    const configDescriptor = await document(blobs, "application/vnd.oci.image.config.v1+json", config);
    const layers = [{ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: `sha256:${layerHex}`, size }];
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    const manifest = { schemaVersion: 2, mediaType, config: configDescriptor, layers };
    const target = await document(blobs, mediaType, manifest);
    const annotations = { "org.opencontainers.image.ref.name": "latest" };
    await writeFile(
      join(made, "index.json"),
      JSON.stringify({ schemaVersion: 2, manifests: [{ ...target, annotations }] }),
    );
    await writeFile(join(made, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    await rename(made, layout);
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

async function document(blobs: string, mediaType: string, value: unknown) {
  const bytes = Buffer.from(JSON.stringify(value));
  const hex = createHash("sha256").update(bytes).digest("hex");
  await writeFile(join(blobs, hex), bytes);
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

async function aptMirror(): Promise<string> {
  const { stdout } = await run("apt-get", ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]);
  const [first] = stdout.split("\n");
  if (!first) throw new Error("apt knows no mirror: run apt-get update");
  return first;
}

async function must(command: string, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await run(command, args, { timeoutMs: 15 * minutes });
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${stderr || stdout.slice(-1000)}`);
}
