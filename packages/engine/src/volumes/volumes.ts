import type { BackgroundTasks } from "@gantry/common/background-tasks";
import type { Clock } from "@gantry/common/clock";
import { messageOf } from "@gantry/common/error-message";
import { KeyedLock } from "@gantry/common/keyed-lock";
import type { Volume } from "@gantry/ipc/contracts/engine-types";
import type { NativeSys } from "@gantry/native-sys";
import { conflict, internal, invalid, notFound } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Documents } from "../store/documents.ts";
import type { EventHub } from "../system/event-hub.ts";
import { VolumeDirectories } from "./directories.ts";
import type { VolumeDocument } from "./document.ts";
import type { FillSource } from "./fill.ts";
import { checkVolumeName } from "./parse-bind.ts";

export interface VolumeRequest {
  readonly Name?: string | undefined;
  readonly Driver?: string | undefined;
  readonly DriverOpts?: Readonly<Record<string, string>> | undefined;
  readonly Labels?: Readonly<Record<string, string>> | undefined;
}

export interface VolumesOptions {
  readonly native: NativeSys;
  readonly clock: Clock;
  /** Directory that holds one directory per volume. */
  readonly directory: string;
  readonly documents: Documents<VolumeDocument>;
  readonly events: EventHub;
  readonly log: Log;
  readonly background: BackgroundTasks;
  /** Ids of containers that have the volume among their mounts. */
  readonly usersOf: (name: string) => string[];
}

/** Volumes of the local driver: directories that outlive containers. Operations on a volume run under its lock. */
export class Volumes {
  readonly #options: VolumesOptions;
  readonly #directories: VolumeDirectories;
  readonly #byName = new Map<string, VolumeDocument>();
  /** Names whose document cannot be read: they stay taken, and their files stay. */
  readonly #unreadable: ReadonlySet<string>;
  readonly #locks = new KeyedLock();
  /** Names of the volumes that a container under creation holds, by its id. */
  readonly #held = new Map<string, Set<string>>();

  constructor(options: VolumesOptions) {
    this.#options = options;
    this.#directories = new VolumeDirectories(options.native, options.directory);
    const { documents, unreadable } = options.documents.load();
    for (const document of documents) this.#byName.set(document.name, document);
    this.#unreadable = new Set(unreadable.map(({ id }) => id));
  }

  /** Creates a volume, or returns the one of this name. @throws RpcError InvalidArgument */
  async create(request: VolumeRequest): Promise<Volume> {
    const name = checkedName(request);
    return await this.#locks.run(name, async () => {
      this.#settle(await this.#ensure(name, request, false));
      return this.get(name);
    });
  }

  /**
   * The same for a container that is being created: the volume stays until `commit` or `rollback` of the container, and
   * `rollback` removes a volume that was created for it.
   */
  async acquire(containerId: string, request: VolumeRequest): Promise<Volume> {
    const name = checkedName(request);
    return await this.#locks.run(name, async () => {
      await this.#ensure(name, request, true);
      const held = this.#held.get(containerId) ?? new Set();
      this.#held.set(containerId, held.add(name));
      return this.get(name);
    });
  }

  /** The container is recorded: from now on its document keeps the volumes. */
  commit(containerId: string): void {
    for (const name of this.#release(containerId)) {
      const document = this.#byName.get(name);
      if (document) this.#settle(document);
    }
  }

  /** The container's creation failed: removes what `acquire` created for it, unless another container holds it by now. */
  async rollback(containerId: string): Promise<void> {
    for (const name of this.#release(containerId)) {
      await this.#locks.run(name, async () => {
        const isWanted = !this.#byName.get(name)?.provisional || this.usersOf(name).length > 0;
        if (!isWanted) await this.#destroy(name);
      });
    }
  }

  /** Fills a volume that is empty from an image; of several at once, one fills it. @throws SystemError; it is empty then */
  async fill(name: string, source: FillSource): Promise<void> {
    await this.#locks.run(name, () => this.#directories.fill(name, source));
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

  /** Ids of containers that have the volume, those under creation included. */
  usersOf(name: string): string[] {
    const holders = [...this.#held].filter(([, names]) => names.has(name)).map(([id]) => id);
    return [...new Set([...this.#options.usersOf(name), ...holders])];
  }

  /** Removes a volume and its content. @throws RpcError NotFound (unless force), FailedPrecondition while it is in use */
  async remove(name: string, force: boolean): Promise<void> {
    await this.#locks.run(name, async () => {
      if (force && !this.#byName.has(name)) return;
      this.#find(name);
      const users = this.usersOf(name);
      if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(", ")}]`);
      await this.#destroy(name);
    });
  }

  /** Completes or undoes creations, fills and removals that an earlier engine left unfinished. Called once, at the start. */
  async restore(): Promise<void> {
    const { names, removed } = await this.#directories.list();
    for (const directory of removed) {
      if (this.#byName.has(directory.name) && !names.includes(directory.name)) this.#forget(directory.name);
      this.#options.background.add(`deleting the files of the removed volume ${directory.name}`, () =>
        this.#directories.discard(directory),
      );
    }
    for (const name of names) {
      const isKnown = this.#byName.has(name) || this.#unreadable.has(name);
      if (!isKnown) await this.#attempt(name, () => this.#setUnclaimedAside(name));
    }
    for (const document of [...this.#byName.values()]) {
      await this.#attempt(document.name, () => this.#restoreOne(document));
    }
  }

  async #restoreOne(document: VolumeDocument): Promise<void> {
    await this.#directories.restore(document.name);
    if (!document.provisional) return;
    if (this.usersOf(document.name).length > 0) this.#settle(document);
    else await this.#destroy(document.name);
  }

  /** One volume's failure must not keep the engine from starting. */
  async #attempt(name: string, step: () => Promise<void>): Promise<void> {
    await step().catch((error: unknown) => {
      this.#options.log.error({ volume: name, error: messageOf(error) }, "restoring a volume");
    });
  }

  async #ensure(name: string, request: VolumeRequest, provisional: boolean): Promise<VolumeDocument> {
    const present = this.#byName.get(name);
    if (present) return present;
    if (this.#unreadable.has(name)) throw internal(`the record of volume ${name} cannot be read: see the engine's log`);
    await this.#setUnclaimedAside(name);
    await this.#directories.create(name);
    const anonymous = !request.Name;
    const labels = anonymous ? { ...request.Labels, "com.docker.volume.anonymous": "" } : { ...request.Labels };
    const document = {
      name,
      createdAt: this.#options.clock.now(),
      labels,
      anonymous,
      ...(provisional ? { provisional } : {}),
    };
    this.#options.documents.put(name, document);
    this.#byName.set(name, document);
    this.#emit("create", name);
    return document;
  }

  /** Records that a volume outlives a failed create of the container that it was created for. */
  #settle({ provisional, ...settled }: VolumeDocument): void {
    if (!provisional) return;
    this.#options.documents.put(settled.name, settled);
    this.#byName.set(settled.name, settled);
  }

  /** The directory leaves its name first and the record follows, so a kill in between leaves nothing that has to be undone. */
  async #destroy(name: string): Promise<void> {
    const directory = await this.#directories.setAside(name);
    this.#forget(name);
    this.#emit("destroy", name);
    if (!directory) return;
    await this.#directories.discard(directory).catch((error: unknown) => {
      this.#options.log.warn({ volume: name, path: directory.path, error: messageOf(error) }, "deleting its files");
    });
  }

  async #setUnclaimedAside(name: string): Promise<void> {
    const path = await this.#directories.setUnclaimedAside(name);
    if (path) this.#options.log.warn({ volume: name, path }, "files without a volume were moved aside");
  }

  #release(containerId: string): Set<string> {
    const held = this.#held.get(containerId) ?? new Set();
    this.#held.delete(containerId);
    return held;
  }

  #forget(name: string): void {
    this.#options.documents.delete(name);
    this.#byName.delete(name);
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
      Mountpoint: this.#directories.dataPath(document.name),
      CreatedAt: document.createdAt,
      Labels: { ...document.labels },
      Scope: "local",
      Options: {},
    };
  }
}

/** The name of a requested volume, a new one for an anonymous volume. @throws RpcError InvalidArgument */
function checkedName(request: VolumeRequest): string {
  const name = request.Name || newId();
  if (request.Name) checkVolumeName(request.Name);
  if (request.Driver && request.Driver !== "local") {
    throw invalid(`error looking up volume plugin ${request.Driver}: plugin "${request.Driver}" not found`);
  }
  const [option] = Object.keys(request.DriverOpts ?? {});
  if (option !== undefined) throw invalid(`create ${name}: invalid option: "${option}": the local driver takes none`);
  return name;
}
