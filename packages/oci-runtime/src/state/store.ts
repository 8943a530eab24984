import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path/posix";
import type { Spec } from "@gantry/oci-spec/runtime";
import type { ScopeUnit } from "../cgroup/systemd/scope.ts";

/** The record of a container, in `<root>/<id>/state.json`. */
export interface Record {
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  /** RFC 3339. */
  readonly created: string;
  /** 0 while the container is being created. */
  readonly pid: number;
  /** Start time of that process in clock ticks since boot: distinguishes it from a later one with the same id. */
  readonly startTime: string;
  readonly owner: string;
  /** Its processes get session keyrings of their own. */
  readonly newKeyring: boolean;
  /** The container's directory in each cgroup hierarchy, by the hierarchy's name. */
  readonly cgroups: Readonly<globalThis.Record<string, string>>;
  /** The scope of systemd's that they belong to, where it made them. */
  readonly scope?: ScopeUnit;
  /** Directories of the resctrl file system that go with the container. */
  readonly rdt?: readonly string[];
  readonly spec: Spec;
}

/** The ids that runc accepts: letters, digits, and _ + - . in any order. */
const idPattern = /^[\w+.-]+$/;

export class ContainerError extends Error {
  override name = "ContainerError";
  readonly code: "NotFound" | "AlreadyExists" | "InvalidArgument" | "FailedPrecondition";

  constructor(code: ContainerError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** The containers below one root directory. Every change is a rename, so that a reader sees the old or the new. */
export class Store {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** Compiled seccomp filters; the "@" keeps it apart from every container's name. */
  get filters(): string {
    return join(this.root, "@filters");
  }

  /** @throws ContainerError InvalidArgument */
  checkId(id: string): void {
    if (!idPattern.test(id) || id === "." || id === "..")
      throw new ContainerError(
        "InvalidArgument",
        `invalid container id "${id}": use letters, digits, "_", "+", "-", "."`,
      );
  }

  directory(id: string): string {
    this.checkId(id);
    return join(this.root, id);
  }

  /** The named pipe that `start` writes to; it is there from creation to start. */
  startPipe(id: string): string {
    return join(this.directory(id), "exec.fifo");
  }

  /** The named pipe on which a start reports its result. */
  resultPipe(id: string): string {
    return join(this.directory(id), "result.fifo");
  }

  /** Takes the name. @throws ContainerError AlreadyExists */
  reserve(id: string): void {
    const directory = this.directory(id);
    mkdirSync(this.root, { recursive: true, mode: 0o711 });
    try {
      mkdirSync(directory, { mode: 0o711 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST")
        throw new ContainerError("AlreadyExists", `container with given ID already exists: ${id}`);
      throw error;
    }
  }

  save(record: Record): void {
    const path = join(this.directory(record.id), "state.json");
    writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  /** @throws ContainerError NotFound */
  load(id: string): Record {
    const record = this.find(id);
    if (!record) throw new ContainerError("NotFound", `container does not exist: ${id}`);
    return record;
  }

  find(id: string): Record | undefined {
    try {
      return JSON.parse(readFileSync(join(this.directory(id), "state.json"), "utf8")) as Record;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** A name that was taken by a creation that died before it wrote anything. */
  exists(id: string): boolean {
    return existsSync(this.directory(id));
  }

  list(): Record[] {
    let names: string[];
    try {
      names = readdirSync(this.root);
    } catch {
      return [];
    }
    return names
      .filter((name) => idPattern.test(name))
      .sort()
      .map((name) => this.find(name))
      .filter((record) => record !== undefined);
  }

  remove(id: string): void {
    rmSync(this.directory(id), { recursive: true, force: true });
  }
}
