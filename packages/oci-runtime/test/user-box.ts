import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { exampleSpec, type Spec } from "@gantry/oci-spec/runtime";
import { Box, cannotRun, type Output, program } from "./box.ts";

/** The ordinary user, who exists in the mount namespace of each command alone. */
export const uid = 65_123;
/** A user's files stand for the host's in a mount namespace that each command has to itself. */
const asUser = `
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/sub" /etc/subuid
mount --bind "$1/sub" /etc/subgid
[ -z "$2" ] || echo $$ > "$2/cgroup.procs"
shift 2
exec setpriv --reuid ${uid} --regid ${uid} --clear-groups "$@"`;

/** Why these tests cannot run here; undefined when they can. */
export function cannotRunAsUser(): string | undefined {
  const reason = cannotRun();
  if (reason) return reason;
  try {
    execFileSync("setpriv", ["--reuid", String(uid), "--clear-groups", "test", "-x", program]);
  } catch {
    return "needs a checkout that an ordinary user may read";
  }
  return existsSync("/usr/bin/newuidmap") ? undefined : "needs newuidmap (Debian: uidmap)";
}

export type RootlessSpec = Spec & Required<Pick<Spec, "process" | "linux" | "mounts">>;

/** A box that belongs to the user, who runs the command line. */
export class UserBox {
  readonly #box = new Box();
  readonly #files: string;
  readonly #cgroup: string;

  /** @param cgroup in which the user's commands run */
  constructor(cgroup = "") {
    this.#cgroup = cgroup;
    const { directory } = this.#box;
    this.#files = join(directory, "etc");
    mkdirSync(this.#files);
    mkdirSync(join(directory, "run"));
    writeFileSync(
      join(this.#files, "passwd"),
      `${readFileSync("/etc/passwd", "utf8")}tester:x:${uid}:${uid}::/:/bin/sh\n`,
    );
    writeFileSync(join(this.#files, "sub"), "tester:200000:65536\n");
    chmodSync(directory, 0o755);
    give(directory);
  }

  get store(): string {
    return join(this.#box.directory, "run/oci-runtime");
  }

  configure(script: string, change: (spec: RootlessSpec) => void = () => {}): void {
    const spec = exampleSpec({ pureCgroup2: true, user: { uid, gid: uid } }) as RootlessSpec;
    spec.process = { ...spec.process, terminal: false, args: ["sh", "-c", script] };
    change(spec);
    writeFileSync(join(this.#box.bundle, "config.json"), JSON.stringify(spec));
  }

  cli(...args: string[]): Output {
    return this.call([], args);
  }

  /** @param before stands before the command, such as a program that gives it a terminal */
  call(before: readonly string[], args: readonly string[]): Output {
    const { directory, bundle } = this.#box;
    const shell = ["--mount", "--propagation", "private", "sh", "-ec", asUser, "sh", this.#files, this.#cgroup];
    try {
      const stdout = execFileSync("unshare", [...shell, ...before, program, ...args], {
        encoding: "utf8",
        cwd: bundle,
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", XDG_RUNTIME_DIR: join(directory, "run") },
        stdio: ["ignore", "pipe", "pipe"],
      });
      return { status: 0, stdout, stderr: "" };
    } catch (error) {
      const { status, stdout, stderr } = error as Output;
      return { status, stdout, stderr };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (existsSync(this.store))
      for (const id of readdirSync(this.store).filter((name) => !name.startsWith("@")))
        this.cli("delete", "--force", id);
    await this.#box[Symbol.asyncDispose]();
  }
}

function give(path: string): void {
  lchownSync(path, uid, uid);
  if (!lstatSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) give(join(path, name));
}

/** Ids of a range of /etc/subuid beside the user's own as root. */
export function range(spec: RootlessSpec): void {
  const mappings = [
    { containerID: 0, hostID: uid, size: 1 },
    { containerID: 1, hostID: 200_000, size: 65_536 },
  ];
  Object.assign(spec.linux, { uidMappings: mappings, gidMappings: mappings });
}
