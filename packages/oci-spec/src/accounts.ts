/** A line of a passwd file: name:password:uid:gid:gecos:home:shell. */
export interface UserEntry {
  readonly name: string;
  readonly uid: number;
  /** 0 where the line states none, as Docker has it. */
  readonly gid: number;
  /** Empty where the line states none. */
  readonly home: string;
}

/** A line of a group file: name:password:gid:members. */
export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** The longest passwd or group file that is read. */
export const maxAccountFileBytes = 64 << 20;

/** The contents of /etc/passwd and /etc/group; empty for a file that does not exist. */
export interface AccountFiles {
  readonly passwd: Uint8Array;
  readonly group: Uint8Array;
}

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary group, then the groups that list the user; the primary group alone where a group was requested. */
  readonly additionalGids: number[];
  /** The user's entry in the passwd file, if there is one. */
  readonly entry: UserEntry | undefined;
}

export type AccountErrorReason = "UserNotFound" | "GroupNotFound" | "IdOutOfRange";

/** A requested user or group that cannot be resolved. */
export class AccountError extends Error {
  override name = "AccountError";
  readonly reason: AccountErrorReason;
  constructor(reason: AccountErrorReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The largest id that a caller may request: Docker and containerd keep to 32-bit signed numbers. */
const maxRequestedId = 2 ** 31 - 1;
/** The largest id in a file: 2^32-1 means "unchanged" to the kernel. */
const maxFileId = 2 ** 32 - 2;

/**
 * Resolves "", user, user:group or :group, where either is a name or a number. A number is compared with the numeric
 * field alone and a name with the name alone, so an account that is named "1000" is never taken for uid 1000. A number
 * without an entry stands for itself, with group 0; no user means uid 0. The first entry that matches wins.
 * @throws AccountError
 */
export function resolveUser(request: string, files: AccountFiles): ResolvedUser {
  const colon = request.indexOf(":");
  const user = colon < 0 ? request : request.slice(0, colon);
  const group = colon < 0 ? "" : request.slice(colon + 1);
  const { uid, gid, entry } = findUser(user || "0", files.passwd);
  if (group !== "") {
    const requested = findGroup(group, files.group);
    return { uid, gid: requested, additionalGids: [requested], entry };
  }
  const supplementary = entry === undefined ? [] : groupsOf(entry.name, files.group);
  return { uid, gid, additionalGids: [...new Set([gid, ...supplementary])], entry };
}

/**
 * Resolves groups that are requested by name or number, in their order and each once.
 * @throws AccountError
 */
export function resolveGroups(requests: readonly string[], group: Uint8Array): number[] {
  return [...new Set(requests.map((request) => findGroup(request, group)))];
}

/** The user that has an id, as the first entry of the passwd file names it. */
export function userOfId(uid: number, passwd: Uint8Array): UserEntry | undefined {
  for (const entry of parsePasswd(passwd)) if (entry.uid === uid) return entry;
  return undefined;
}

/**
 * Reads a passwd file as libc does: spaces around a line, comments, and lines of NIS ("+name", "-name") are skipped, and
 * so is a line without a valid uid. Without that, an account without a number would be root.
 */
export function* parsePasswd(bytes: Uint8Array): Generator<UserEntry> {
  for (const [name = "", , uidField = "", gidField = "", , home = ""] of accountLines(bytes)) {
    const uid = fileId(uidField);
    const gid = gidField.trim() === "" ? 0 : fileId(gidField);
    if (uid !== undefined && gid !== undefined) yield { name, uid, gid, home };
  }
}

/** Reads a group file by the same rules; a line without a valid gid is skipped. */
export function* parseGroups(bytes: Uint8Array): Generator<GroupEntry> {
  for (const [name = "", , gidField = "", members = ""] of accountLines(bytes)) {
    const gid = fileId(gidField);
    if (gid !== undefined) yield { name, gid, members: members.split(",").map((member) => member.trim()) };
  }
}

/** The lines that hold an account, as fields. Decoded one by one: a file may be large, and the first lines match. */
function* accountLines(bytes: Uint8Array): Generator<string[]> {
  const decoder = new TextDecoder();
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    const line = decoder.decode(bytes.subarray(start, end)).trim();
    if (line !== "" && !/^[#+-]/.test(line)) yield line.split(":");
    start = end + 1;
  }
}

function fileId(field: string): number | undefined {
  const digits = field.trim();
  return /^\d+$/.test(digits) && Number(digits) <= maxFileId ? Number(digits) : undefined;
}

function findUser(request: string, passwd: Uint8Array): Omit<ResolvedUser, "additionalGids"> {
  const id = requestedId(request);
  for (const entry of parsePasswd(passwd)) {
    if (id === undefined ? entry.name === request : entry.uid === id) return { uid: entry.uid, gid: entry.gid, entry };
  }
  if (id !== undefined) return { uid: id, gid: 0, entry: undefined };
  throw new AccountError("UserNotFound", `unable to find user ${request}: no matching entries in passwd file`);
}

function findGroup(request: string, group: Uint8Array): number {
  const id = requestedId(request);
  if (id !== undefined) return id;
  for (const { name, gid } of parseGroups(group)) if (name === request) return gid;
  throw new AccountError("GroupNotFound", `unable to find group ${request}: no matching entries in group file`);
}

function groupsOf(user: string, group: Uint8Array): number[] {
  return [...parseGroups(group)].filter(({ members }) => members.includes(user)).map(({ gid }) => gid);
}

/** The number that a request stands for, undefined for a name. A sign is part of a number, as Go reads it. */
function requestedId(request: string): number | undefined {
  if (!/^[+-]?\d+$/.test(request)) return undefined;
  const id = Number(request);
  if (id >= 0 && id <= maxRequestedId) return id;
  throw new AccountError("IdOutOfRange", `uids and gids must be in range 0-${maxRequestedId}, not ${request}`);
}
