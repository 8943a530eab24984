import { mkdirSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type NativeSys, openDirectory, openDirectoryInRoot } from "@gantry/native-sys";
import { type ImageConfig, type Mount, specOfImage, type User } from "@gantry/oci-spec";
import { copyTree } from "@gantry/tree-copy/copy-tree";
import { fillDirectory } from "../../directory-target.ts";
import { invalidArgument } from "../../errors.ts";
import { resolveUserIn } from "../../tasks/user.ts";
import type { ImageWork } from "../image-work.ts";
import { type UnpackRequest, withImage, writeRootfs } from "./rootfs.ts";

/**
 * `images.createBundle`: writes a bundle that an OCI runtime can run unchanged (runtime-spec bundle.md):
 *
 *     config.json   converted from the image's configuration (image-spec conversion.md)
 *     rootfs/       the root file system
 *     volumes/N/    a volume of the image with the image's files, so that containers do not write to rootfs
 */
export async function createBundle(work: ImageWork, request: UnpackRequest) {
  const { native, images } = work;
  return await withImage(images, request, async (image) => {
    await fillDirectory(request.directory, async (bundle) => {
      const rootfs = join(bundle, "rootfs");
      await mkdir(rootfs, { mode: 0o755 });
      await writeRootfs({ ...work, namespace: request.namespace }, image, rootfs);
      const volumes = await makeVolumes(native, bundle, image.config);
      const user = userOf(native, rootfs, image.config.config?.User ?? "");
      const spec = specOfImage(image.config, { user, volumes });
      await writeFile(join(bundle, "config.json"), `${JSON.stringify(spec, null, 2)}\n`, { mode: 0o644, flag: "wx" });
    });
  });
}

/** conversion.md: supplementary groups are looked up for a user by name alone. */
function userOf(native: NativeSys, rootfs: string, text: string): User {
  const { uid, gid, additionalGids } = resolveUserIn(native, rootfs, text);
  const isByName = text !== "" && !/^[0-9]/.test(text) && !text.includes(":");
  return { uid, gid, ...(isByName ? { additionalGids } : {}) };
}

async function makeVolumes(native: NativeSys, bundle: string, { config = {} }: ImageConfig): Promise<Mount[]> {
  const destinations = Object.keys(config.Volumes ?? {});
  if (destinations.length > 0) mkdirSync(join(bundle, "volumes"), { mode: 0o755 });
  const mounts: Mount[] = [];
  for (const [at, destination] of destinations.entries()) {
    if (!destination.startsWith("/")) throw invalidArgument(`volume "${destination}": it must be an absolute path`);
    const source = join("volumes", String(at));
    mkdirSync(join(bundle, source), { mode: 0o755 });
    await seed(native, join(bundle, "rootfs"), destination, join(bundle, source));
    mounts.push({ destination, type: "bind", source, options: ["rbind", "rw"] });
  }
  return mounts;
}

/** Copies the image's directory at a path, following links inside the root. */
async function seed(native: NativeSys, rootfs: string, path: string, to: string): Promise<void> {
  using root = openDirectory(native, rootfs);
  using directory = openDirectoryInRoot(native, root.number, path);
  if (!directory) return;
  await copyTree(native, `/proc/self/fd/${directory.number}/.`, to);
}
