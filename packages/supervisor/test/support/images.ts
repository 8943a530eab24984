import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { BackgroundTasks } from "@gantry/common/background-tasks";
import { nativeSys } from "@gantry/native-sys";
import { type TempDir, tempDir } from "@gantry/testkit";
import { Leases } from "../../src/content/leases.ts";
import { ContentStore } from "../../src/content/store.ts";
import { ImageStore } from "../../src/images/image-store.ts";
import { ProgressReporter } from "../../src/images/progress.ts";
import { pullImage } from "../../src/images/pull/pull.ts";
import type { PullRequest } from "../../src/images/pull/request.ts";
import { type PushRequest, pushImage } from "../../src/images/push/push.ts";
import { Unpacker } from "../../src/images/unpack/unpacker.ts";
import { openMetadata } from "../../src/metadata/index.ts";
import { Snapshots, snapshotDirectory } from "../../src/snapshots/snapshots.ts";
import { findSnapshotters } from "../../src/snapshots/snapshotters.ts";

/**
 * The image part of a supervisor, in this process.
 * @param options.snapshotBytes size of a file system of the snapshots' own
 */
export function imageParts(options: { readonly snapshotBytes?: number } = {}) {
  const directory: TempDir = tempDir("images");
  const root = join(directory.path, "root");
  mkdirSync(root);
  const failures: unknown[] = [];
  const background = new BackgroundTasks((error) => failures.push(error), { sequential: true });
  const metadata = openMetadata(`${root}/metadata.db`);
  const content = new ContentStore(root, metadata);
  const stored = snapshotDirectory(root);
  const { snapshotBytes } = options;
  if (snapshotBytes !== undefined) {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${snapshotBytes},mode=711`, "tmpfs", stored]);
  }
  const snapshots = new Snapshots(stored, metadata, background, findSnapshotters(nativeSys(), stored));
  const stores = { metadata, content, snapshots, leases: new Leases(metadata) };
  const images = new ImageStore(stores, new Unpacker(nativeSys(), stores));
  const certificates = join(directory.path, "certs.d");
  const statuses: string[] = [];
  const progress = new ProgressReporter(async ({ id, status }) => void statuses.push(`${id ?? ""}: ${status}`));
  return {
    directory: directory.path,
    root,
    stores,
    images,
    progress,
    statuses,
    failures,
    pull: (request: Omit<PullRequest, "namespace">, signal = new AbortController().signal) =>
      pullImage({ images, directories: [certificates], progress }, { namespace: "test", ...request }, signal),
    push: (request: Omit<PushRequest, "namespace">, signal = new AbortController().signal) =>
      pushImage({ images, directories: [certificates], progress }, { namespace: "test", ...request }, signal),
    /** Directory of the registries' configuration. */
    certificates,
    /** Numbers of images, blobs and snapshots in the stores. */
    left: () => ({
      images: metadata.images.list("test").length,
      blobs: metadata.blobs.list("test").length,
      snapshots: metadata.snapshots.list("test").length,
    }),
    /** Resolves once files that were given up are removed. */
    idle: () => background.idle(),
    async [Symbol.asyncDispose]() {
      await background.idle();
      metadata.db.close();
      if (snapshotBytes !== undefined) execFileSync("umount", [stored]);
      await directory[Symbol.asyncDispose]();
    },
  };
}
