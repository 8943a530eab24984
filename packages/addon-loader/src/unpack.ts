import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";

const user = (): number => process.getuid?.() ?? 0;

/**
 * Returns the path of a file that holds exactly these bytes, that only this user can change, and that can be loaded.
 * It is in the first of the directories that can be made and is not mounted noexec.
 *
 * @throws Error when a directory is another user's or open to others, or when none can be used
 */
export function unpack(name: string, bytes: Buffer, directories: readonly string[]): string {
  const reasons: string[] = [];
  for (const directory of directories) {
    const problem = cannotMake(directory);
    if (problem === undefined) {
      const path = join(directory, `${name}-${bytes.length.toString(16)}-${fingerprint(bytes)}.node`);
      if (!holds(path, bytes)) replace(path, bytes);
      if (isExecutable(path)) return path;
    }
    reasons.push(`${directory}: ${problem ?? "the file system is mounted noexec"}`);
  }
  const where = reasons.length > 0 ? `there is no directory for it (${reasons.join("; ")})` : "there is no directory";
  throw new Error(`cannot unpack ${name}.node: ${where}; set XDG_RUNTIME_DIR to a directory of your own`);
}

/** Makes sure of the directory; the reason when it cannot be made. */
function cannotMake(directory: string): string | undefined {
  try {
    // One above it at most (~/.cache). Not with `recursive`, which never returns for a path below /proc.
    for (const path of [dirname(directory), directory]) makeUnlessThere(path);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
  const stat = lstatSync(directory);
  if (!stat.isDirectory() || stat.uid !== user() || (stat.mode & 0o077) !== 0) {
    throw new Error(
      `${directory} must be a directory owned by user ${user()} with mode 0700: it holds code that is loaded`,
    );
  }
  return undefined;
}

function makeUnlessThere(path: string): void {
  try {
    if (!lstatSync(path, { throwIfNoEntry: false })) mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process was quicker.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** A short name for these bytes; the full comparison is made on the file itself. */
function fingerprint(bytes: Buffer): string {
  let hash = 0x811c9dc5;
  const step = Math.max(1, Math.floor(bytes.length / 4096));
  for (let at = 0; at < bytes.length; at += step) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

function holds(path: string, bytes: Buffer): boolean {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isFile()) return false;
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const stat = fstatSync(fd);
    const own = stat.isFile() && stat.uid === user() && (stat.mode & 0o022) === 0;
    return own && stat.size === bytes.length && readFileSync(fd).equals(bytes);
  } finally {
    closeSync(fd);
  }
}

/** Writes beside and renames, so that a process that starts at the same moment sees the old file or the new one whole. */
function replace(path: string, bytes: Buffer): void {
  // Process ids are not unique across pid namespaces.
  const temporary = `${path}.${Math.random().toString(36).slice(2)}`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const fd = openSync(temporary, flags, 0o500);
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
    fchmodSync(fd, 0o500);
    renameSync(temporary, path);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** access(2) answers no for a file that may be executed but lies on a noexec mount. */
function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
