import { closeSync, constants, openSync } from "node:fs";
import {
  AF_UNIX,
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  CLONE_NEWUSER,
  MOUNT_ATTR_IDMAP,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  SOCK_CLOEXEC,
  SOCK_STREAM,
} from "@gantry/native-sys";
import type { Spec } from "@gantry/oci-spec/runtime";
import type { Host } from "../../host.ts";
import { type MappedMount, mappedMounts } from "../../plan/mapped-mounts.ts";
import { parseMountOptions } from "../../plan/mount-options.ts";
import { bindSource } from "../../plan/mounts.ts";
import { waitForExit } from "../launch/wait.ts";
import { writeIdMaps } from "./maps.ts";

/**
 * Opens the sources of all id-mapped mounts, as detached trees that are mapped already (mount_setattr(2)). That needs
 * rights over their file systems, which no process in a new user namespace has.
 *
 * @returns one descriptor a mount, in their order; the caller closes them
 * @throws Error naming the mount
 */
export async function openMappedTrees(host: Host, bundle: string, spec: Spec): Promise<number[]> {
  const trees: number[] = [];
  try {
    for (const mount of mappedMounts(spec)) trees.push(await openTree(host, { bundle, spec, mount }));
    return trees;
  } catch (error) {
    for (const fd of trees) closeSync(fd);
    throw error;
  }
}

interface Opening {
  readonly bundle: string;
  readonly spec: Spec;
  readonly mount: MappedMount;
}

async function openTree(host: Host, { bundle, spec, mount }: Opening): Promise<number> {
  const { native } = host;
  const requested = spec.mounts?.[mount.index] ?? { destination: "" };
  const why = `mounts[${mount.index}]`;
  const source = bindSource(bundle, requested);
  const { recursive, bind } = parseMountOptions(requested.options ?? [], why);
  const below = recursive || !bind ? AT_RECURSIVE : 0;
  const namespace = await userNamespace(host, mount);
  let tree: number | undefined;
  try {
    tree = native.openTree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | below);
    const flags = AT_EMPTY_PATH | (mount.recursive ? AT_RECURSIVE : 0);
    native.mountSetattr(tree, "", flags, BigInt(MOUNT_ATTR_IDMAP), 0n, 0n, namespace);
    return tree;
  } catch (error) {
    if (tree !== undefined) closeSync(tree);
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      tree !== undefined && code === "EINVAL"
        ? "its file system cannot be id-mapped by this kernel, or is mapped already"
        : message;
    throw new Error(`${why}: mapping the owners of ${source}: ${reason}`);
  } finally {
    closeSync(namespace);
  }
}

/** A user namespace with these mappings; its first process, which did nothing but hold it, is gone on return. */
async function userNamespace(host: Host, { mappings, index }: MappedMount): Promise<number> {
  if (typeof mappings === "string") return openSync(mappings, constants.O_RDONLY);
  const { native } = host;
  const [ours, theirs] = native.socketPair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  let pid: number | undefined;
  try {
    // A helper that is given no plan: it waits for one, and ends when there will be none.
    const helper = native.spawn({
      program: host.initProgram,
      argv: ["oci-init", "3"],
      env: [],
      fds: [theirs, theirs, theirs, theirs],
      cloneFlags: CLONE_NEWUSER,
    });
    pid = helper.pid;
    native.closeFd(helper.pidFd);
    const maps = { uidMappings: [...mappings.uid], gidMappings: [...mappings.gid] };
    await writeIdMaps(host, pid, { maps, field: `mounts[${index}]` });
    return openSync(`/proc/${pid}/ns/user`, constants.O_RDONLY);
  } finally {
    native.closeFd(theirs);
    native.closeFd(ours);
    if (pid !== undefined) await waitForExit(host, pid);
  }
}
