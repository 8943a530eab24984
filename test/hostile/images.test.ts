import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createGzip, gzipSync } from "node:zlib";
import { busyboxArchive, type LayerEntry, layerTar } from "@gantry/testkit";
import { test } from "tap";
import { fileStack } from "../support/file-stack.ts";
import { supervisorOf } from "./raw-peer.ts";

const stack = await fileStack();
const { client } = stack;
const outside = join(stack.directory, "outside");
await stack.sh(`mkdir ${outside} && echo secret > ${outside}/file`);

test("layers that reach for the host change nothing on it, and the image works or is refused with a message", async (t) => {
  const up = "../".repeat(20);
  const evil: Record<string, LayerEntry[]> = {
    "a path that climbs": [{ path: `${up}${outside}/new`, content: "x" }],
    "an absolute path": [{ path: `${outside}/new`, content: "x" }],
    "through a link out": [
      { path: "door", type: "symlink", target: outside },
      { path: "door/new", content: "x" },
    ],
    "through a relative link out": [
      { path: "door", type: "symlink", target: `${up}${outside}` },
      { path: "door/file", content: "x" },
    ],
    "a link that is replaced by a directory": [
      { path: "door", type: "directory" },
      { path: "door/in", content: "x" },
      { path: "door", type: "symlink", target: outside },
      { path: "door/new", content: "x" },
    ],
    "a hard link to a file outside": [
      { path: "link", type: "link", target: `${up}${outside}/file` },
      { path: "link", content: "overwritten" },
    ],
    "a hard link through a link": [
      { path: "door", type: "symlink", target: outside },
      { path: "link", type: "link", target: "door/file" },
    ],
    "a file over a link to a file": [
      { path: "file", type: "symlink", target: `${outside}/file` },
      { path: "file", content: "overwritten" },
    ],
    "a directory's mode through a link": [
      { path: "door", type: "symlink", target: outside },
      { path: "door/", type: "directory", mode: 0o777 },
    ],
    "a whiteout outside": [
      { path: "door", type: "symlink", target: outside },
      { path: "door/.wh.file", content: "" },
      { path: ".wh...", content: "" },
    ],
    "a link into /proc": [
      { path: "door", type: "symlink", target: "/proc/self/root" },
      { path: `door${outside}/new`, content: "x" },
    ],
    "links in a ring": [
      { path: "a", type: "symlink", target: "b" },
      { path: "b", type: "symlink", target: "a" },
      { path: "a/new", content: "x" },
    ],
  };
  const before = await hostState();
  for (const [name, layer] of Object.entries(evil)) {
    const { code, stderr } = await load(await forge({ layers: [await layerTar(layer)] }));
    t.equal(await hostState(), before, `${name}: nothing outside has changed`);
    if (code === 0) await stack.ok(["rmi", "-f", "evil:1"]);
    else t.match(stderr, oneSentence, `${name}: ${stderr.trim()}`);
  }
});

test("content that does not match its digest or size is refused in one sentence and leaves nothing", async (t) => {
  const layer = await layerTar([{ path: "a", content: "a".repeat(5000) }]);
  const wrong = sha256(Buffer.from("something else"));
  const digest = `sha256:${wrong}`;
  const descriptor = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 3 };
  const layout = (index: unknown, ...blobs: Uint8Array[]): LayerEntry[] => [
    { path: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' },
    { path: "index.json", content: typeof index === "string" ? index : JSON.stringify(index) },
    { path: `blobs/sha256/${wrong}`, content: "abc" },
    ...blobs.map((blob) => ({ path: `blobs/sha256/${sha256(blob)}`, content: blob })),
  ];
  const nested = cyclicIndex(digest);
  const lies: Record<string, Promise<Buffer>> = {
    "a wrong diff id": forge({ layers: [layer], diffIds: [wrong] }),
    "fewer diff ids than layers": forge({ layers: [layer, layer], diffIds: [sha256(layer)] }),
    "a manifest that is no JSON": forge({ manifest: "{[" }),
    "a manifest of another shape": forge({ manifest: { Config: 5 } }),
    "a manifest that nests deeply": forge({ manifest: "[".repeat(200_000) }),
    "a configuration that is no JSON": forge({ layers: [layer], config: "\0\0" }),
    "a layer that is not there": forge({
      manifest: [{ Config: "config.json", RepoTags: ["evil:1"], Layers: ["no.tar"] }],
    }),
    "a name that cannot be": forge({ manifest: [{ Config: "config.json", RepoTags: ["../../EVIL"], Layers: [] }] }),
    "a configuration outside": forge({
      manifest: [{ Config: "../../../etc/passwd", RepoTags: ["evil:1"], Layers: [] }],
    }),
    "a configuration by a link": forge({
      manifest: [{ Config: "link", RepoTags: ["evil:1"], Layers: [] }],
      extra: [{ path: "link", type: "symlink", target: "/etc/passwd" }],
    }),
    "a layer that is no tar": forge({ layers: [Buffer.alloc(5000, "x")] }),
    "a layer cut off": forge({ layers: [layer.subarray(0, 1000)] }),
    "a damaged gzip": forge({ layers: [gzipSync(layer).fill(0xff, 40, 60)], diffIds: [sha256(layer)] }),
    "a wrong digest": layerTar(layout({ schemaVersion: 2, manifests: [descriptor] })),
    "a wrong size": layerTar(layout({ schemaVersion: 2, manifests: [{ ...descriptor, size: 4 }] })),
    "a negative size": layerTar(layout({ schemaVersion: 2, manifests: [{ ...descriptor, size: -4 }] })),
    "a digest that is a path": layerTar(
      layout({ schemaVersion: 2, manifests: [{ ...descriptor, digest: "sha256:../../x" }] }),
    ),
    "an index that nests without end": layerTar(layout(nested.index, ...nested.blobs)),
    "an index without an image": layerTar(layout({ schemaVersion: 2, manifests: [] })),
    "10000 files": layerTar(Array.from({ length: 10_000 }, (_, at) => ({ path: `${at}`, content: "" }))),
    "an image of 10000 layers": manyLayers(layer, 10_000),
    "an image of 500 layers": manyLayers(layer, 500),
  };
  const before = await kept();
  for (const [name, archive] of Object.entries(lies)) {
    const { code, stderr } = await load(await archive);
    t.equal(code, 1, name);
    t.match(stderr, oneSentence, `${name}: ${stderr.trim().slice(0, 200)}`);
    t.equal(await kept(), before, `${name}: nothing is left`);
  }
});

test("an image of as many layers as the kernel stacks works", async (t) => {
  const layer = await layerTar([{ path: "busybox", content: readFileSync("/bin/busybox"), mode: 0o755 }]);
  t.equal((await load(await manyLayers(layer, 499))).stderr, "");
  const { code, stdout, stderr } = await client(["run", "--rm", "evil:1", "/busybox", "echo", "deep"]);
  t.equal(`${stdout}${stderr}`, "deep\n");
  t.equal(code, 0);
  await stack.ok(["rmi", "evil:1"]);
});

test("an archive that is cut anywhere is refused and leaves nothing", async (t) => {
  const archive = readFileSync(await busyboxArchive(stack.directory));
  await stack.ok(["rmi", "-f", "busybox"]);
  const before = await kept();
  const last = archive.lastIndexOf("manifest.json");
  const cuts = [
    0,
    1,
    511,
    512,
    513,
    1024,
    5000,
    archive.length >> 2,
    archive.length >> 1,
    last,
    last + 512,
    last + 600,
  ];
  for (const whole of [archive, gzipSync(archive, { level: 1 })]) {
    for (const cut of whole === archive ? cuts : [1, 10, 1000, whole.length >> 1, whole.length - 9, whole.length - 1]) {
      const { code, stderr } = await load(whole.subarray(0, cut));
      t.equal(code, 1, `cut at ${cut} of ${whole.length}`);
      t.match(stderr, oneSentence, stderr.trim());
      t.equal(await kept(), before, "nothing is left");
    }
  }
  t.equal((await load(archive)).code, 0, "the whole one is loaded after all that");
});

test("a gzip bomb costs disk while it is read, no memory, and goes when it is refused", async (t) => {
  const bomb = await gzipBomb(1 << 30);
  const archive = await forge({ layers: [bomb], diffIds: [sha256(bomb)] });
  const before = await kept();
  const { code, stderr } = await load(archive);
  t.equal(code, 1);
  t.match(stderr, oneSentence, stderr.trim());
  t.equal(await kept(), before);
  const peak = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${supervisorOf(stack)}/status`, "utf8"))?.[1]);
  t.ok(peak < 400_000, `the supervisor had ${peak} KiB at most`);
});

/** An error must be one line that names its subject, without a stack trace. */
const oneSentence = /^Error response from engine: [^\n]{10,600}\n$/;

async function load(archive: Uint8Array) {
  const path = join(stack.directory, "evil.tar");
  writeFileSync(path, archive);
  return client(["load", "-i", path]);
}

async function hostState(): Promise<string> {
  const { stdout } = await stack.sh(`stat -c '%n %a %h %s %Y' ${outside} ${outside}/*; cat ${outside}/file`);
  return stdout;
}

/** Everything that the supervisor has of images. */
async function kept(): Promise<string> {
  const root = join(stack.root, "supervisor");
  const lists = ["ingest", "blobs/sha256", "blobs/sha512", "snapshots"].map((path) =>
    readdirSync(join(root, path)).sort(),
  );
  return JSON.stringify([...lists, (await client(["images", "-aq"])).stdout]);
}

interface Forgery {
  readonly layers?: readonly Uint8Array[];
  readonly diffIds?: readonly string[];
  readonly manifest?: unknown;
  readonly config?: string;
  readonly extra?: readonly LayerEntry[];
}

/** A docker-archive in which anything may be wrong. */
async function forge(forgery: Forgery): Promise<Buffer> {
  const { layers = [], diffIds = layers.map(sha256), extra = [] } = forgery;
  const files = layers.map((content, at) => ({ path: `${at}.tar`, content }));
  const config = {
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: { Cmd: ["x"] },
    rootfs: { type: "layers", diff_ids: diffIds.map((id) => `sha256:${id}`) },
  };
  const { manifest = [{ Config: "config.json", RepoTags: ["evil:1"], Layers: files.map(({ path }) => path) }] } =
    forgery;
  return layerTar([
    ...files,
    { path: "config.json", content: forgery.config ?? JSON.stringify(config) },
    { path: "manifest.json", content: typeof manifest === "string" ? manifest : JSON.stringify(manifest) },
    ...extra,
  ]);
}

function manyLayers(layer: Uint8Array, count: number): Promise<Buffer> {
  return forge({
    layers: [layer],
    diffIds: Array(count).fill(sha256(layer)),
    manifest: [{ Config: "config.json", RepoTags: ["evil:1"], Layers: Array(count).fill("0.tar") }],
  });
}

/** Six indexes, each naming the next; the innermost names a blob that is not what it says. */
function cyclicIndex(innermost: string): { index: object; blobs: Buffer[] } {
  const mediaType = "application/vnd.oci.image.index.v1+json";
  let index: object = { schemaVersion: 2, mediaType, manifests: [{ mediaType, digest: innermost, size: 3 }] };
  const blobs: Buffer[] = [];
  for (let depth = 0; depth < 6; depth++) {
    const blob = Buffer.from(JSON.stringify(index));
    blobs.push(blob);
    index = {
      schemaVersion: 2,
      mediaType,
      manifests: [{ mediaType, digest: `sha256:${sha256(blob)}`, size: blob.length }],
    };
  }
  return { index, blobs };
}

/** A gzip of so many zeros. */
async function gzipBomb(bytes: number): Promise<Buffer> {
  const gzip = createGzip({ level: 9 });
  const parts: Buffer[] = [];
  gzip.on("data", (part: Buffer) => parts.push(part));
  const zeros = Buffer.alloc(1 << 22);
  // One file as large as the bomb: a header, then zeros that never end.
  const [header] = [(await layerTar([{ path: "zeros", content: "" }])).subarray(0, 512)];
  header.write(`${bytes.toString(8).padStart(11, "0")}\0`, 124);
  header.write(`${checksum(header).toString(8).padStart(6, "0")}\0 `, 148);
  gzip.write(header);
  for (let done = 0; done < bytes; done += zeros.length) {
    if (!gzip.write(zeros)) await new Promise((resolve) => gzip.once("drain", resolve));
  }
  gzip.end();
  await new Promise((resolve) => gzip.once("end", resolve));
  return Buffer.concat(parts);
}

function checksum(header: Buffer): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
