import { readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { IdleMemory } from "@gantry/common/memory";
import { RpcError } from "@gantry/ipc";
import { nativeSys } from "@gantry/native-sys";
import { mediaTypes } from "@gantry/oci-spec";
import { test } from "tap";
import { loadImages } from "../src/images/archive/load.ts";
import { importRootfs } from "../src/images/import-rootfs.ts";
import { containerService } from "../src/service/containers.ts";
import { diffService } from "../src/service/diff.ts";
import type { Bundles } from "../src/tasks/bundle.ts";
import type { Tasks } from "../src/tasks/tasks.ts";
import { imageParts } from "./support/images.ts";
import { makeLayout } from "./support/layout.ts";
import { file, tarOf } from "./support/tar.ts";

const namespace = "test";
const native = nativeSys();
const nothing = { images: 0, blobs: 0, snapshots: 0 };
const late = { code: "DeadlineExceeded", message: /too late/ };

function abortedSignal(): AbortSignal {
  return AbortSignal.abort(new RpcError("DeadlineExceeded", "too late"));
}

async function* bytes(...all: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all;
}

test("an image whose caller has given up is neither loaded nor imported", async (t) => {
  await using parts = imageParts();
  const layer = await tarOf(file("a"));
  const layout = join(parts.directory, "layout");
  makeLayout(layout, { layers: [layer] });
  const work = { native, ...parts, signal: abortedSignal() };
  for (const unpack of [true, false]) {
    const request = { namespace, directory: layout, defaultName: "app", unpack };
    await t.rejects(loadImages(work, request, bytes()), late, `unpack ${unpack}`);
    t.strictSame(parts.left(), nothing);
  }
  const request = { namespace, name: "docker.io/library/app:1", configDocument: {} };
  await t.rejects(importRootfs(work, request, bytes(layer)), late);
  t.strictSame(parts.left(), nothing);
});

test("a layer whose caller has given up is not applied", async (t) => {
  await using parts = imageParts();
  const { content, snapshots } = parts.stores;
  const layer = gzipSync(await tarOf(file("a"), file("b")));
  const blob = await content.put(layer, { namespace, managed: false });
  const row = await snapshots.prepare(namespace, "target", "");
  const handlers = diffService({ native, images: parts.images, memory: new IdleMemory() });
  const request = { namespace, key: "target", descriptor: { mediaType: mediaTypes.layerGzip, ...blob } };
  await t.rejects(handlers["diff.apply"](request, { signal: abortedSignal(), blobs: [] }), late);
  t.strictSame(readdirSync(snapshots.directory(row.id)), []);
});

test("a root file system whose caller has given up is not mounted", async (t) => {
  await using parts = imageParts();
  const { metadata, snapshots } = parts.stores;
  const runtime = { path: "/bin/runc", root: "/run/runc", worker: false };
  metadata.namespaces.ensure(namespace);
  const container = { id: "c", image: "", labels: {}, spec: {}, snapshotKey: "", user: "", runtime };
  metadata.containers.insert(namespace, container);
  const mounted: string[] = [];
  // Only what the handler calls.
  const bundles = { mount: (_: string, { id }: { id: string }) => mounted.push(id) } as unknown as Bundles;
  const exclusive = (_: string, __: string, operation: () => Promise<unknown>) => operation();
  const tasks = { exclusive, cleanedUp: async () => {} } as unknown as Tasks;
  const handlers = containerService({ metadata, snapshots, bundles, tasks, ociRuntime: "/bin/runc", state: "/run" });
  const mount = (signal: AbortSignal) =>
    handlers["containers.mountRootfs"]({ namespace, id: "c" }, { signal, blobs: [] });
  await t.rejects(mount(abortedSignal()), late);
  t.strictSame(mounted, []);
  await mount(new AbortController().signal);
  t.strictSame(mounted, ["c"]);
});
