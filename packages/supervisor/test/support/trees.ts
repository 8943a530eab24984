import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { nativeSys, S_IFBLK, S_IFCHR, S_IFIFO } from "@gantry/native-sys";
import { uint32From } from "@gantry/testkit";
import { type BytePath, fsPath } from "@gantry/tree-copy/byte-path";
import { listXattrs } from "@gantry/tree-copy/metadata";

export type Random = (below: number) => number;

export function randomFrom(seed: number): Random {
  const next = uint32From(seed);
  return (below) => next() % below;
}

const native = nativeSys();
const names = ["a", "b", "lib", "x.so", "caf\xc3\xa9", "no\xffutf8", "sp ace", "n".repeat(130), "=", "." + "hidden"];

/** Makes some entries of every kind below a directory. */
export function grow(root: BytePath, random: Random, count: number): void {
  for (let made = 0; made < count; made++) {
    const parent = pick(directoriesOf(root), random);
    const path = `${parent}/${pick(names, random)}${random(4)}`;
    if (lstatSync(fsPath(path), { throwIfNoEntry: false })) continue;
    makeOne(root, path, random);
    adorn(path, random);
  }
}

/** Changes a tree in every way that a container may. */
export function change(root: BytePath, random: Random, count: number): void {
  for (let done = 0; done < count; done++) {
    const all = pathsOf(root);
    if (all.length === 0) return;
    const path = pick(all, random);
    const stats = lstatSync(fsPath(path));
    const what = random(7);
    if (what === 0) rmSync(fsPath(path), { recursive: true });
    else if (what === 1) adorn(path, random);
    else if (what === 2 && stats.isFile()) changeUnseen(path, random);
    else if (what === 3) move(path, `${pick(directoriesOf(root), random)}/moved${done}`);
    else if (what === 4) {
      rmSync(fsPath(path), { recursive: true });
      makeOne(root, path, random);
    } else if (what === 5 && stats.isFile())
      linkSync(fsPath(path), fsPath(`${path.slice(0, path.lastIndexOf("/"))}/ln${done}`));
    else grow(root, random, 2);
  }
}

/** All that can be seen of a tree, by path. @param withSockets false: as a layer has it */
export function describe(root: BytePath): Record<string, unknown> {
  const first = new Map<string, BytePath>();
  const entries = pathsOf(root).flatMap((path): [string, unknown][] => {
    const place = fsPath(path);
    const stats = lstatSync(place, { bigint: true });
    if (stats.isSocket()) return [];
    const name = path.slice(root.length + 1);
    const inode = `${stats.dev}:${stats.ino}`;
    if (!first.has(inode)) first.set(inode, name);
    const xattrs = listXattrs(native, path).filter((key) => !key.startsWith("trusted.overlay."));
    const seen = {
      mode: stats.mode.toString(8),
      owner: `${stats.uid}:${stats.gid}`,
      mtimeNs: stats.mtimeNs,
      xattrs: xattrs.sort().map((key) => [key, native.getxattr(place, key, false)?.toString("hex")]),
      ...(stats.isDirectory() ? {} : { is: first.get(inode) }),
      ...(stats.isFile() ? { size: stats.size, content: digest(readFileSync(place)) } : {}),
      ...(stats.isSymbolicLink() ? { link: readlinkSync(place, "latin1") } : {}),
      ...(stats.isCharacterDevice() || stats.isBlockDevice() ? { rdev: stats.rdev } : {}),
    };
    return [[name, seen]];
  });
  return Object.fromEntries(entries);
}

function makeOne(root: BytePath, path: BytePath, random: Random): void {
  const place = fsPath(path);
  const kind = random(10);
  if (kind < 3) mkdirSync(place);
  else if (kind < 6) writeFileSync(place, Buffer.alloc(random(9000), `${path}${random(100)}`));
  else if (kind === 6) symlinkSync(fsPath(pick(["a", "../b", "/etc/passwd", `${"t".repeat(120)}\xfe`], random)), place);
  else if (kind === 7) makeSparse(path, random);
  else if (kind === 8) {
    const type = pick([S_IFCHR, S_IFBLK, S_IFIFO], random);
    native.mknod(place, type | 0o644, type === S_IFIFO ? 0 : 1 + random(300), type === S_IFIFO ? 0 : random(70_000));
  } else {
    const files = pathsOf(root).filter((other) => lstatSync(fsPath(other)).isFile());
    if (files.length > 0) linkSync(fsPath(pick(files, random)), place);
    else writeFileSync(place, "");
  }
}

function makeSparse(path: BytePath, random: Random): void {
  const fd = openSync(fsPath(path), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
  writeSync(fd, "in the middle", 1_000_000 + random(1000));
  ftruncateSync(fd, 3_000_000);
  closeSync(fd);
}

/** Owner, mode, attributes and time, of which some have no place in a plain tar header. */
function adorn(path: BytePath, random: Random): void {
  const place = fsPath(path);
  const stats = lstatSync(place);
  lchownSync(place, pick([0, 1000, 3_000_000], random), pick([0, 5, 2_097_152], random));
  if (!stats.isSymbolicLink()) chmodSync(place, pick([0o644, 0o755, 0o4711, 0o1777, 0o600], random));
  if (stats.isFile() || stats.isDirectory()) {
    if (random(3) === 0) native.setxattr(place, "user.colour", Buffer.from([random(256), 0, 10]), 0, false);
    if (random(4) === 0) native.setxattr(place, "trusted.note", Buffer.from("kept"), 0, false);
    if (stats.isFile() && random(4) === 0) native.setxattr(place, "security.capability", netBindService, 0, false);
  }
  const ns = BigInt(pick([0, 1_600_000_000, 1_700_000_000, -5, 9_000_000_000], random)) * 1_000_000_000n;
  native.utimens(place, ns, ns + BigInt(random(2) * random(1_000_000_000)), false);
}

/** VFS_CAP_REVISION_2 with cap_net_bind_service effective and permitted (capabilities(7)). */
const netBindService = Buffer.from("0100000200040000000000000000000000000000", "hex");

/** Another content of the same size and time. */
function changeUnseen(path: BytePath, random: Random): void {
  const { mtimeNs, size } = lstatSync(fsPath(path), { bigint: true });
  if (size === 0n) return;
  const fd = openSync(fsPath(path), constants.O_WRONLY);
  writeSync(fd, Buffer.from([random(256)]), 0, 1, random(Number(size)));
  closeSync(fd);
  native.utimens(fsPath(path), mtimeNs, mtimeNs, false);
}

function move(from: BytePath, to: BytePath): void {
  if (to.startsWith(`${from}/`)) return;
  try {
    renameSync(fsPath(from), fsPath(to));
  } catch (error) {
    // A directory of a lower layer: mv(1) would copy it.
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
  }
}

function pathsOf(root: BytePath): BytePath[] {
  return readdirSync(fsPath(root), "latin1")
    .sort()
    .flatMap((name) => {
      const path = `${root}/${name}`;
      return lstatSync(fsPath(path)).isDirectory() ? [path, ...pathsOf(path)] : [path];
    });
}

function directoriesOf(root: BytePath): BytePath[] {
  return [root, ...pathsOf(root).filter((path) => lstatSync(fsPath(path)).isDirectory())];
}

function pick<T>(from: readonly T[], random: Random): T {
  return from[random(from.length)] as T;
}

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}
