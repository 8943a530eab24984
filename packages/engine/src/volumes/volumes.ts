import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { KeyedLock } from "@gantry/common/keyed-lock";
import type { Volume } from "@gantry/ipc/contracts/engine-types";
import type { NativeSys } from "@gantry/native-sys";
import { now } from "../base/clock.ts";
import { conflict, invalid, notFound } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import type { Documents } from "../store/documents.ts";
import type { EventHub } from "../system/event-hub.ts";
import { type FillSource, fillVolume } from "./fill.ts";
import { checkVolumeName } from "./parse-bind.ts";

/** What is kept of a volume. */
export interface VolumeDocument {
  readonly name: string;
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly anonymous: boolean;
}

export interface VolumeRequest {
  readonly Name?: string | undefined;
  readonly Driver?: string | undefined;
  readonly DriverOpts?: Readonly<Record<string, string>> | undefined;
  readonly Labels?: Readonly<Record<string, string>> | undefined;
}

export interface VolumesOptions {
  readonly native: NativeSys;
  /** Directory that holds one directory per volume. */
  readonly directory: string;
  readonly documents: Documents<VolumeDocument>;
  readonly events: EventHub;
  /** Ids of containers that have the volume among their mounts. */
  readonly usersOf: (name: string) => string[];
}

/** Volumes of the local driver: directories that outlive containers. */
export class Volumes {
  readonly #options: VolumesOptions;
  readonly #byName = new Map<string, VolumeDocument>();
  readonly #locks = new KeyedLock();

  constructor(options: VolumesOptions) {
    this.#options = options;
    for (const document of options.documents.all()) this.#byName.set(document.name, document);
  }

  /** Makes a volume, or returns the one of this name. @throws RpcError InvalidArgument */
  async create(request: VolumeRequest): Promise<Volume> {
    const name = request.Name || newId();
    if (request.Name) checkVolumeName(request.Name);
    if (request.Driver && request.Driver !== "local") {
      throw invalid(`error looking up volume plugin ${request.Driver}: plugin "${request.Driver}" not found`);
    }
    const [option] = Object.keys(request.DriverOpts ?? {});
    if (option !== undefined) throw invalid(`create ${name}: invalid option: "${option}": the local driver takes none`);
    const present = this.#byName.get(name);
    if (present) return this.#show(present);
    const anonymous = !request.Name;
    const labels = anonymous ? { ...request.Labels, "com.docker.volume.anonymous": "" } : { ...request.Labels };
    const document: VolumeDocument = { name, createdAt: now(), labels, anonymous };
    // The name is taken before the first wait: two requests for it at once get the same volume.
    this.#byName.set(name, document);
    try {
      await mkdir(this.path(name), { recursive: true, mode: 0o755 });
      this.#options.documents.put(name, document);
    } catch (error) {
      this.#byName.delete(name);
      throw error;
    }
    this.#emit("create", name);
    return this.#show(document);
  }

  /** Directory of a volume's content on the host. */
  path(name: string): string {
    return join(this.#options.directory, name, "_data");
  }

  /** Fills a volume that is empty from an image; of several at once, one fills it. @throws SystemError; it is empty then */
  async fill(name: string, source: FillSource): Promise<void> {
    await this.#locks.run(name, () => fillVolume(this.#options.native, source, join(this.#options.directory, name)));
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** @throws RpcError NotFound */
  get(name: string): Volume {
    return this.#show(this.#find(name));
  }

  list(): Volume[] {
    return [...this.#byName.values()].map((document) => this.#show(document));
  }

  isAnonymous(name: string): boolean {
    return this.#byName.get(name)?.anonymous ?? false;
  }

  usersOf(name: string): string[] {
    return this.#options.usersOf(name);
  }

  /** Removes a volume and its content. @throws RpcError NotFound (unless force), FailedPrecondition while it is in use */
  async remove(name: string, force: boolean): Promise<void> {
    if (force && !this.#byName.has(name)) return;
    this.#find(name);
    const users = this.#options.usersOf(name);
    if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(", ")}]`);
    this.#byName.delete(name);
    this.#options.documents.delete(name);
    await rm(join(this.#options.directory, name), { recursive: true, force: true });
    this.#emit("destroy", name);
  }

  #find(name: string): VolumeDocument {
    const document = this.#byName.get(name);
    if (!document) throw notFound(`get ${name}: no such volume`);
    return document;
  }

  #emit(action: string, name: string): void {
    this.#options.events.emit("volume", action, name, { driver: "local" });
  }

  #show(document: VolumeDocument): Volume {
    return {
      Name: document.name,
      Driver: "local",
      Mountpoint: this.path(document.name),
      CreatedAt: document.createdAt,
      Labels: { ...document.labels },
      Scope: "local",
      Options: {},
    };
  }
}
