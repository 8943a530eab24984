import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nativeSys } from "@gantry/native-sys";
import { type ImageDescriptor, mediaTypes } from "@gantry/oci-spec";
import { test } from "tap";
import { loadImages } from "../src/images/archive/load.ts";
import { unpackImage } from "../src/images/unpack/rootfs.ts";
import { imageParts } from "./support/images.ts";
import { OddImage, smallLayer } from "./support/odd-image.ts";
import { startRegistry } from "./support/registry.ts";
import { file, tarOf } from "./support/tar.ts";

const namespace = "test";
type Parts = ReturnType<typeof imageParts>;

async function load(parts: Parts, bytes: Uint8Array, more: object = {}) {
  const source = (async function* () {
    for (let at = 0; at < bytes.length; at += 4000) yield bytes.subarray(at, at + 4000);
  })();
  return await loadImages({ native: nativeSys(), ...parts }, { namespace, ...more }, source);
}

let roots = 0;

/** Loads an archive. @returns the text of the file "a" in the image's root file system */
async function contentOf(parts: Parts, bytes: Uint8Array): Promise<string> {
  const [image] = await load(parts, bytes, { defaultName: "odd" });
  const name = image?.name ?? "";
  const directory = join(parts.directory, `root${roots++}`);
  await unpackImage({ native: nativeSys(), ...parts }, { namespace, name, directory });
  return readFileSync(join(directory, "a"), "utf8");
}

const unknown = { platform: { os: "unknown", architecture: "unknown" } };
const attestationLayer = [Buffer.from("{}"), "application/vnd.in-toto+json"] as const;
const signatureLayer = [Buffer.from("{ }"), "application/vnd.dev.cosign.simplesigning.v1+json"] as const;

test("an index's entries without a platform are of the platform that their configuration states", async (t) => {
  const cases: Record<string, (own: ImageDescriptor, arm: ImageDescriptor, other: ImageDescriptor) => object[]> = {
    "one alone": (own) => [own],
    "beside an attestation": (own, _, other) => [own, { ...other, ...unknown }],
    "behind one of another platform": (own, arm) => [arm, own],
    "behind an artifact without a platform": (own, _, other) => [other, own],
    "an empty platform": (own, _, other) => [
      { ...own, platform: {} },
      { ...other, ...unknown },
    ],
    "no operating system": (own, arm) => [
      { ...arm, platform: { architecture: "arm64" } },
      { ...own, platform: { architecture: "amd64" } },
    ],
    "empty texts": (own) => [{ ...own, platform: { os: "", architecture: "", variant: null } }],
  };
  for (const [name, entries] of Object.entries(cases)) {
    for (const isNested of [false, true]) {
      await using parts = imageParts();
      const odd = new OddImage();
      const [layer, armLayer] = [await smallLayer(name), await smallLayer("arm")];
      const own = odd.manifest({ layers: [[layer.gzip, mediaTypes.layerGzip]], plain: [layer.plain] });
      const arm = odd.manifest({ layers: [[armLayer.plain, mediaTypes.layer]], fields: { architecture: "arm64" } });
      const other = odd.manifest({ layers: [attestationLayer], config: {} });
      const index = odd.index(...entries(own, arm, other));
      const top = isNested ? odd.index(index, { ...other, ...unknown }) : index;
      t.equal(await contentOf(parts, await odd.layout(top)), name, `${name}${isNested ? ", nested" : ""}`);
    }
  }
});

test("an index without the platform is refused, and so is one whose entries are artifacts", async (t) => {
  await using parts = imageParts();
  const odd = new OddImage();
  const arm = odd.manifest({ fields: { architecture: "arm64" } });
  const other = odd.manifest({ layers: [attestationLayer], config: {} });
  for (const entries of [
    [arm, other],
    [other, arm],
    [{ ...arm, platform: { architecture: "amd64", variant: "v2" } }],
  ]) {
    await t.rejects(load(parts, await odd.layout(odd.index(...entries))), {
      message: /no matching manifest for linux\/amd64/,
    });
  }
});

test("configurations and layers of the media types of old registries and builders are an image's", async (t) => {
  await using parts = imageParts();
  const types = ["application/octet-stream", "application/json", "", "text/html"];
  for (const type of types) {
    const odd = new OddImage();
    const layer = await smallLayer(`of ${type}`);
    const manifest = odd.manifest({ layers: [[layer.gzip, type]], plain: [layer.plain], configType: type });
    if (type === "application/json" || type === "text/html") continue;
    t.equal(await contentOf(parts, await odd.layout(manifest)), `of ${type}`, type);
  }
  for (const type of types) {
    const odd = new OddImage();
    const layer = await smallLayer(`configured by ${type}`);
    const layers = [[layer.plain, mediaTypes.layer]] as const;
    t.equal(
      await contentOf(parts, await odd.layout(odd.manifest({ layers, configType: type }))),
      `configured by ${type}`,
    );
  }
});

test("signatures and bills of materials in a layout are passed over, and kept with the whole of it", async (t) => {
  const odd = new OddImage();
  const layer = await smallLayer("signed");
  const image = odd.manifest({ layers: [[layer.gzip, mediaTypes.layerGzip]], plain: [layer.plain] });
  const signature = odd.manifest({ layers: [signatureLayer] });
  const bill = odd.manifest({ layers: [[Buffer.from("SPDX"), "text/spdx"]], configType: "application/octet-stream" });
  const named = (descriptor: ImageDescriptor, name: string) => ({
    ...descriptor,
    annotations: { "org.opencontainers.image.ref.name": `example.org/app:${name}` },
  });
  const archive = await odd.layout(named(signature, "sig"), named(image, "1"), named(bill, "sbom"), bill);
  await using parts = imageParts();
  const names = (images: readonly { name: string }[]) => images.map(({ name }) => name);
  t.strictSame(names(await load(parts, archive)), ["example.org/app:1"]);
  const all = await load(parts, archive, { allPlatforms: true });
  t.strictSame(names(all), ["example.org/app:sig", "example.org/app:1", "example.org/app:sbom"]);
  await t.rejects(load(parts, await odd.layout(signature)), {
    code: "InvalidArgument",
    message: /not an image of a root file system: a layer is of type .*simplesigning/,
  });
});

test("what was pulled as an image is one; an artifact is refused before it has the name", async (t) => {
  await using parts = imageParts();
  await using registry = await startRegistry(parts.directory);
  const push = async (name: string, manifest: OddImage, target: ImageDescriptor) => {
    const [image] = await load(parts, await manifest.layout(target), {
      defaultName: name,
      allPlatforms: true,
      unpack: false,
    });
    await parts.push({ name: `${registry.address}/${name}:1`, source: image?.name ?? "" });
  };
  const odd = new OddImage();
  const layer = await smallLayer("pulled");
  const layers = [[layer.plain, mediaTypes.layer]] as const;
  await push("old", odd, odd.manifest({ layers, configType: "application/octet-stream" }));
  const chart = new OddImage();
  await push("chart", chart, chart.manifest({ layers: [signatureLayer], config: {}, configType: "application/json" }));
  await using other = imageParts();
  const { image } = await other.pull({ name: `${registry.address}/old:1`, imageOnly: true });
  t.equal((await other.images.resolve(namespace, image.name, undefined)).chainId !== "", true);
  const name = `${registry.address}/chart:1`;
  await t.rejects(other.pull({ name, imageOnly: true }), { code: "InvalidArgument", message: /not an image/ });
  t.equal(other.stores.metadata.images.get(namespace, name), undefined);
  t.equal((await other.pull({ name })).image.name, name, "other clients may fetch artifacts");
});

test("archives and layers in the formats of bzip2, xz and pzstd are taken", async (t) => {
  const { plain } = await smallLayer("packed");
  for (const command of [
    ["bzip2", "-c"],
    ["xz", "-c"],
    ["pzstd", "-q", "-p2", "-c", "-"],
  ]) {
    const [name = "", ...args] = command;
    const bytes = execFileSync(name, args, { input: plain });
    await using parts = imageParts();
    const odd = new OddImage();
    const layout = await odd.layout(odd.manifest({ layers: [[bytes, mediaTypes.layer]], plain: [plain] }));
    t.equal(await contentOf(parts, layout), "packed", `a layer in a layout: ${name}`);
    const config = { rootfs: { type: "layers", diff_ids: [odd.put(plain, "").digest] } };
    const docker = await tarOf(
      file("manifest.json", JSON.stringify([{ Config: "c", RepoTags: ["odd:1"], Layers: ["l"] }])),
      file("c", JSON.stringify(config)),
      { name: "l", content: bytes },
    );
    await using second = imageParts();
    t.equal(await contentOf(second, docker), "packed", `a layer in a docker-archive: ${name}`);
    const [image] = second.stores.metadata.images.list(namespace);
    const found = await second.images.platformImage(namespace, image as NonNullable<typeof image>, undefined);
    t.match(found.manifest.layers[0]?.mediaType, name === "pzstd" ? mediaTypes.layerZstd : mediaTypes.layer);
  }
});
