import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import {
  distBin,
  type Namespaces,
  type RunOptions,
  type RunResult,
  run,
  type StartOptions,
  start,
  type TestProcess,
  tempDir,
  waitFor,
} from "@gantry/testkit";

export interface AloneOptions {
  /** Runs as this user (and group), with `home` as HOME. */
  readonly user?: number;
  /** Runs inside these namespaces. */
  readonly within?: Namespaces;
}

export interface UnpackedAddon {
  readonly name: string;
  readonly path: string;
  readonly uid: number;
  /** Permission bits in octal. */
  readonly mode: string;
  readonly directoryMode: string;
}

/** One built binary in a directory that holds nothing else, which is gone at the end of the scope. */
export interface Alone extends AsyncDisposable {
  readonly directory: string;
  readonly path: string;
  /** An empty directory of the user that it runs as. */
  readonly home: string;
  /** Runs it in its directory to its end, with nothing of this project on PATH. */
  run(args: readonly string[], options?: RunOptions): Promise<RunResult>;
  start(args: readonly string[], options?: StartOptions): TestProcess;
  /** Files that it unpacked below a directory of `home`. */
  addons(below: string): UnpackedAddon[];
  /** Makes a file or directory the user's own. */
  give(path: string, mode: number): void;
  /** Puts other bytes into a file of the user's. */
  overwrite(path: string, bytes: Uint8Array): void;
}

export function alone(name: string, options: AloneOptions = {}): Alone {
  const { user = 0, within } = options;
  const temporary = tempDir("alone");
  const [directory, home] = [join(temporary.path, "bin"), join(temporary.path, "home")];
  chmodSync(temporary.path, 0o755);
  for (const path of [directory, home]) mkdirSync(path);
  const path = join(directory, name);
  take(join(distBin, name), path);
  const give = (target: string, mode: number) => {
    chownSync(target, user, user);
    chmodSync(target, mode);
  };
  give(home, 0o700);
  const command = (args: readonly string[]): [string, readonly string[]] => {
    if (within) return within.enter(path, args);
    const ids = [`--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
    return user === 0 ? [path, args] : ["setpriv", [...ids, "--", path, ...args]];
  };
  const around = <T extends StartOptions>(more: T): T => ({
    cwd: directory,
    ...more,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: home, XDG_RUNTIME_DIR: undefined, ...more.env },
  });
  return {
    directory,
    path,
    home,
    run: (args, more = {}) => run(...command(args), around(more)),
    start: (args, more = {}) => start(...command(args), around(more)),
    addons: (below) => addonsIn(join(home, below, "gantry-addons")),
    give,
    overwrite(target, bytes) {
      rmSync(target);
      writeFileSync(target, bytes);
      give(target, 0o500);
    },
    [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose](),
  };
}

/** A second name where that is possible, which costs nothing; else a copy. */
function take(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

function addonsIn(directory: string): UnpackedAddon[] {
  const bits = (path: string) => (statSync(path).mode & 0o7777).toString(8);
  return readdirSync(directory).map((name) => {
    const path = join(directory, name);
    return { name, path, uid: statSync(path).uid, mode: bits(path), directoryMode: bits(directory) };
  });
}

/** A bundle of busybox whose spec the runtime itself has written; its host name is "alone". Returns its path. */
export async function busyboxBundle(runtime: Alone, args: readonly string[]): Promise<string> {
  const bundle = join(runtime.directory, "bundle");
  mkdirSync(join(bundle, "rootfs/bin"), { recursive: true });
  for (const name of ["proc", "sys", "dev"]) mkdirSync(join(bundle, "rootfs", name));
  copyFileSync("/bin/busybox", join(bundle, "rootfs/bin/busybox"));
  for (const name of ["sh", "hostname"]) symlinkSync("busybox", join(bundle, "rootfs/bin", name));
  const { code, stderr } = await runtime.run(["spec", "--bundle", bundle]);
  if (code !== 0) throw new Error(`spec failed: ${stderr}`);
  const file = join(bundle, "config.json");
  const config = JSON.parse(readFileSync(file, "utf8"));
  config.process = { ...config.process, terminal: false, args };
  config.hostname = "alone";
  writeFileSync(file, JSON.stringify(config));
  return bundle;
}

/** The first line of a process's standard output. */
export async function firstLine(process: TestProcess): Promise<string> {
  const whole = () => process.stdout().split("\n").length > 1 && process.stdout();
  const text = await waitFor(whole, { timeoutMs: 10_000, what: "a line of output" });
  return text.slice(0, text.indexOf("\n"));
}

/** Connects to a TCP port of the loopback interface, sends a text and returns the whole answer. */
export function say(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = createConnection(port, "127.0.0.1", () => socket.end(text));
    socket.setEncoding("utf8").on("data", (text) => {
      answer += text;
    });
    socket.on("error", reject).on("close", () => resolve(answer));
  });
}
