import { existsSync, readlinkSync } from "node:fs";
import { messageOf } from "@gantry/common/error-message";
import { RpcError } from "@gantry/ipc";
import { conflict, internal, invalid } from "../../base/errors.ts";
import { containerOf, parseNamespaceMode } from "../../spec/namespaces.ts";
import type { Container } from "../container.ts";
import { type ContainerDocument, statusOf } from "../document.ts";
import { admit } from "../lifecycle/table.ts";
import type { Registry } from "../registry.ts";
import { defaultShmBytes, type SharedMemory } from "./shared-memory.ts";

export interface JoinDeps {
  readonly registry: Registry;
  readonly sharedMemory: SharedMemory;
}

const shmPath = "/dev/shm";

/** The container that a mode "container:ID" names; undefined for another mode. @throws RpcError NotFound */
export function joinedBy(registry: Registry, mode: string | undefined): Container | undefined {
  const container = containerOf(mode);
  return container === undefined ? undefined : registry.find(container);
}

/** A container's namespace of a type: a path, "host", or "" for one of its own. @throws RpcError with Docker's message */
export async function joinedNamespace(
  { registry }: JoinDeps,
  mode: string | undefined,
  type: "pid" | "ipc",
): Promise<string> {
  if (mode === "host") return "host";
  const other = joinedBy(registry, mode);
  if (!other) return "";
  return `/proc/${await running(other, `failed to join ${type.toUpperCase()} namespace`)}/ns/${type}`;
}

/** The network namespace of the container whose network another one shares. @throws RpcError with Docker's message */
export function joinedNetwork(other: Container): Promise<string> {
  return other.lifecycle.exclusive(async () => {
    const { name, state } = other.document;
    if (other.alive) return `/proc/${state.Pid}/ns/net`;
    throw conflict(
      `cannot join network namespace of a non running container: container ${name} is ${statusOf(other.document)}`,
    );
  });
}

/**
 * The first process of a running container. A start or stop of it that is under way is waited for: no container joins
 * one that was created after it, so no two wait for each other.
 */
function running(other: Container, why: string): Promise<number> {
  return other.lifecycle.exclusive(async () => {
    try {
      admit("join", other);
    } catch (error) {
      throw prefixed(error, why);
    }
    return other.document.state.Pid;
  });
}

function prefixed(error: unknown, why: string): unknown {
  return error instanceof RpcError ? new RpcError(error.code, `${why}: ${messageOf(error)}`, error.data) : error;
}

/** /dev/shm of a container: bytes of a tmpfs of its own, a directory to bind, or nothing. */
export type SharedMemorySource = number | "none" | { readonly bind: string };

/**
 * Finds /dev/shm for a start by the IPC mode, and makes the one that others may join.
 * @throws RpcError InvalidArgument for a container whose IPC namespace is not shared, with Docker's message
 */
export function sharedMemoryFor(deps: JoinDeps, { document }: Container): SharedMemorySource {
  const { hostConfig, id } = document;
  const mode = parseNamespaceMode(hostConfig.IpcMode, ["private", "shareable", "none", "host", "container"]);
  const bytes = hostConfig.ShmSize ?? defaultShmBytes;
  switch (mode?.kind) {
    case "none":
      return "none";
    case "host":
      return { bind: hostSharedMemory() };
    case "shareable":
      if (!hasOwnShare(document)) return bytes;
      deps.sharedMemory.mount(id, bytes);
      return { bind: deps.sharedMemory.path(id) };
    case "container": {
      const other = deps.registry.find(mode.container);
      const path = sharedBy(deps, other.document);
      if (path !== undefined) return { bind: path };
      throw invalid(
        `failed to join IPC namespace: container ${other.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
      );
    }
    default:
      return bytes;
  }
}

function hostSharedMemory(): string {
  if (!existsSync(shmPath)) throw internal("/dev/shm is not mounted, but must be for --ipc=host");
  return shmPath;
}

/** False for a container with a mount of the user's own there: it is nothing that another one could share. */
function hasOwnShare({ hostConfig, mounts }: ContainerDocument): boolean {
  return hostConfig.IpcMode === "shareable" && !mounts.some(({ Destination }) => Destination === shmPath);
}

/** The directory that a running container's /dev/shm is bound from; undefined for one that is not shared. */
function sharedBy(deps: JoinDeps, document: ContainerDocument): string | undefined {
  if (document.hostConfig.IpcMode === "host") return hostSharedMemory();
  if (hasOwnShare(document)) return deps.sharedMemory.path(document.id);
  const owner = joinedBy(deps.registry, document.hostConfig.IpcMode)?.document;
  // The owner may have ended since, and have begun another run with another namespace.
  return owner && shareNamespace(document.state.Pid, owner.state.Pid) ? sharedBy(deps, owner) : undefined;
}

function shareNamespace(one: number, other: number): boolean {
  try {
    return readlinkSync(`/proc/${one}/ns/ipc`) === readlinkSync(`/proc/${other}/ns/ipc`);
  } catch {
    return false; // one of them has ended
  }
}
