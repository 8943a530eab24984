import { fstatSync, readFileSync } from "node:fs";
import { type ErrorReason, RpcError } from "@gantry/ipc";
import {
  AT_FDCWD,
  Fd,
  isSystemError,
  type NativeSys,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOCTTY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from "@gantry/native-sys";
import { invalidArgument } from "../errors.ts";

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** The user's supplementary groups, its first one included. */
  readonly additionalGids: number[];
}

const maxId = 2 ** 31 - 1;
const maxFileBytes = 16 << 20;

/**
 * Looks up user[:group] by Docker's rules: names and numbers are matched against /etc/passwd and /etc/group of the
 * root file system; a number that is not there stands for itself, with group 0; supplementary groups are those that
 * list the user, unless a group is given.
 * @throws RpcError InvalidArgument for a name that is not there, or a number out of range
 */
export function resolveUser(native: NativeSys, rootfs: string, text: string): ResolvedUser {
  const colon = text.indexOf(":");
  const user = colon < 0 ? text : text.slice(0, colon);
  const group = colon < 0 ? "" : text.slice(colon + 1);
  using root = new Fd(native.openat2(AT_FDCWD, rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0));
  const entry = findUser(readInRoot(native, root.number, "etc/passwd"), user);
  const groups = readInRoot(native, root.number, "etc/group");
  if (group !== "") {
    const gid = findGroup(groups, group);
    return { uid: entry.uid, gid, additionalGids: [gid] };
  }
  const supplementary = entry.name === undefined ? [] : groupsOf(groups, entry.name);
  return { uid: entry.uid, gid: entry.gid, additionalGids: [...new Set([entry.gid, ...supplementary])] };
}

function findUser(passwd: string, user: string): { name?: string; uid: number; gid: number } {
  for (const [name = "", , uid = "", gid = ""] of entries(passwd)) {
    if (name !== user && !(isNumber(user) && Number(uid) === Number(user))) continue;
    if (isNumber(uid) && isNumber(gid)) return { name, uid: inRange(uid), gid: inRange(gid) };
  }
  if (user === "") return { uid: 0, gid: 0 };
  if (!isNumber(user))
    throw unknownName("UserNotFound", `unable to find user ${user}: no matching entries in passwd file`);
  return { uid: inRange(user), gid: 0 };
}

function findGroup(groups: string, group: string): number {
  for (const [name, , gid = ""] of entries(groups)) {
    if (isNumber(gid) && (name === group || (isNumber(group) && Number(gid) === Number(group)))) return inRange(gid);
  }
  if (!isNumber(group))
    throw unknownName("GroupNotFound", `unable to find group ${group}: no matching entries in group file`);
  return inRange(group);
}

function unknownName(reason: ErrorReason, message: string): RpcError {
  return new RpcError("InvalidArgument", message, { reason });
}

function groupsOf(groups: string, user: string): number[] {
  const member = (list = "") => list.split(",").includes(user);
  return entries(groups).flatMap(([, , gid = "", members]) => (isNumber(gid) && member(members) ? [inRange(gid)] : []));
}

function entries(text: string): string[][] {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.split(":"));
}

function isNumber(text: string): boolean {
  return /^[0-9]+$/.test(text);
}

function inRange(text: string): number {
  const id = Number(text);
  if (id > maxId) throw invalidArgument(`uids and gids must be in range 0-${maxId}, not ${text}`);
  return id;
}

/** A file's text with the root file system as root, whatever links lead to it; empty when there is no such file. */
function readInRoot(native: NativeSys, rootFd: number, path: string): string {
  try {
    // A named pipe must not make us wait.
    const flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    using file = new Fd(native.openat2(rootFd, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS));
    const stats = fstatSync(file.number);
    if (!stats.isFile() || stats.size > maxFileBytes) return "";
    return readFileSync(file.number, "utf8");
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR", "ELOOP", "ENXIO")) return "";
    throw error;
  }
}
