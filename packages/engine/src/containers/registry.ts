import { conflict, exists, invalid, notFound } from "../base/errors.ts";
import type { Documents } from "../store/documents.ts";
import { Container } from "./container.ts";
import type { ContainerDocument } from "./document.ts";

/** All containers, by id and by name; what it saves is durable when the call returns. */
export class Registry {
  readonly #documents: Documents<ContainerDocument>;
  readonly #byId = new Map<string, Container>();
  readonly #byName = new Map<string, string>();
  /** Rows of containers whose document cannot be read, by id. */
  readonly #broken: ReadonlyMap<string, string>;

  constructor(documents: Documents<ContainerDocument>) {
    this.#documents = documents;
    const { documents: readable, unreadable } = documents.load();
    this.#broken = new Map(unreadable.map(({ id, text }) => [id, text]));
    for (const document of readable) {
      this.#byId.set(document.id, new Container(document));
      this.#byName.set(document.name, document.id);
    }
  }

  all(): Container[] {
    return [...this.#byId.values()];
  }

  /** Ids of containers whose document cannot be read. */
  get unreadable(): string[] {
    return [...this.#broken.keys()];
  }

  /**
   * True for the id of a container, of one that is being created, and of one whose document cannot be read: nothing of
   * these is swept.
   */
  knows(id: string): boolean {
    return this.#byId.has(id) || this.#broken.has(id) || [...this.#byName.values()].includes(id);
  }

  /** Ids of containers that have a volume among their mounts, or may have it where a document cannot be read. */
  usersOf(volume: string): string[] {
    const users = this.all().filter(({ document }) =>
      document.mounts.some((mount) => mount.Type === "volume" && mount.Name === volume),
    );
    const possible = [...this.#broken].filter(([, text]) => text.includes(JSON.stringify(volume)));
    return [...users.map(({ id }) => id), ...possible.map(([id]) => id)];
  }

  get(id: string): Container | undefined {
    return this.#byId.get(id);
  }

  /** A container by id, name, or the start of an id that only one has. @throws RpcError NotFound, InvalidArgument */
  find(reference: string): Container {
    const found = this.lookup(reference);
    if (!found) throw notFound(`No such container: ${reference}`);
    return found;
  }

  lookup(reference: string): Container | undefined {
    const exact = this.#byId.get(reference) ?? this.byName(reference.replace(/^\//, ""));
    if (exact) return exact;
    if (!/^[0-9a-f]{1,64}$/.test(reference)) return undefined;
    const matches = [...this.#byId.keys()].filter((id) => id.startsWith(reference));
    if (matches.length > 1) throw invalid(`multiple IDs found with provided prefix: ${reference}`);
    return matches[0] === undefined ? undefined : this.#byId.get(matches[0]);
  }

  byName(name: string): Container | undefined {
    const id = this.#byName.get(name);
    return id === undefined ? undefined : this.#byId.get(id);
  }

  /** Takes a name for an id. @throws RpcError AlreadyExists with Docker's message */
  reserveName(name: string, id: string): void {
    const owner = this.#byName.get(name);
    if (owner !== undefined) {
      throw exists(
        `Conflict. The container name "/${name}" is already in use by container "${owner}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    }
    this.#byName.set(name, id);
  }

  releaseName(name: string): void {
    this.#byName.delete(name);
  }

  /** Adds a container whose name is reserved. */
  add(container: Container): void {
    this.#documents.put(container.id, container.document);
    this.#byId.set(container.id, container);
  }

  save(container: Container): void {
    if (this.#byId.has(container.id)) this.#documents.put(container.id, container.document);
  }

  /** Changes a document once the change is stored: after a write that failed, as on a full disk, it is as before. */
  update(container: Container, change: Partial<ContainerDocument>): void {
    if (this.#byId.has(container.id)) this.#documents.put(container.id, { ...container.document, ...change });
    Object.assign(container.document, change);
  }

  /**
   * Takes a change back after a failure. That failure is the one to report: where this write fails too, the change is
   * undone in memory alone; a later engine uses the stored state.
   */
  revert(container: Container, change: Partial<ContainerDocument>): void {
    Object.assign(container.document, change);
    try {
      this.save(container);
    } catch {}
  }

  rename(container: Container, name: string): void {
    const { name: old } = container.document;
    if (old === name) throw conflict("Renaming a container with the same name as its current name");
    this.reserveName(name, container.id);
    try {
      this.update(container, { name });
    } catch (error) {
      this.releaseName(name);
      throw error;
    }
    this.#byName.delete(old);
  }

  remove(container: Container): void {
    this.#documents.delete(container.id);
    this.#byId.delete(container.id);
    if (this.#byName.get(container.document.name) === container.id) this.#byName.delete(container.document.name);
  }
}
