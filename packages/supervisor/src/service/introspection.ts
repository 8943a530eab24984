import { accessSync, constants, statSync } from "node:fs";
import { messageOf } from "@gantry/common/error-message";
import type { Plugin } from "@gantry/ipc/contracts/supervisor";
import { supervisorContract } from "@gantry/ipc/contracts/supervisor";
import { formatPlatform, hostPlatform } from "@gantry/oci-spec";
import { fieldsOf, parseFilters } from "../filters.ts";
import type { Snapshotters } from "../snapshots/snapshotters.ts";
import type { ServiceHandlers } from "./handlers.ts";

export interface IntrospectionOptions {
  /** Identity of the root directory. */
  readonly uuid: string;
  readonly root: string;
  readonly state: string;
  readonly shim: string;
  readonly ociRuntime: string;
  readonly snapshotters: Snapshotters;
}

type Part = Pick<Plugin, "type" | "id"> & Partial<Plugin>;

const types = {
  content: "io.containerd.content.v1",
  snapshotter: "io.containerd.snapshotter.v1",
  metadata: "io.containerd.metadata.v1",
  differ: "io.containerd.differ.v1",
  event: "io.containerd.event.v1",
  gc: "io.containerd.gc.v1",
  runtime: "io.containerd.runtime.v2",
  service: "io.containerd.service.v1",
} as const;

export function introspectionService(options: IntrospectionOptions): ServiceHandlers<"introspection"> {
  return {
    "introspection.plugins": async ({ filters }) => {
      const matches = parseFilters(filters);
      const plugins = parts(options).map(complete);
      return {
        plugins: plugins.filter(({ type, id, platforms, capabilities }) =>
          matches(fieldsOf({ type, id, platforms: platforms.join(","), capabilities: capabilities.join(",") })),
        ),
      };
    },
    "introspection.server": async () => ({
      uuid: options.uuid,
      pid: process.pid,
      pidNamespace: statSync("/proc/self/ns/pid").ino,
    }),
  };
}

/** Plugins after those that they build on. */
function parts({ root, state, shim, ociRuntime, snapshotters }: IntrospectionOptions): Part[] {
  const platforms = [formatPlatform(hostPlatform())];
  return [
    { type: types.content, id: "content", exports: { root: `${root}/blobs` } },
    ...snapshotterParts(root, platforms, snapshotters),
    { type: types.event, id: "exchange" },
    {
      type: types.metadata,
      id: "sqlite",
      requires: [types.content, types.snapshotter, types.event],
      capabilities: ["content-sharing-policy=shared"],
      exports: { path: `${root}/metadata.db` },
    },
    { type: types.differ, id: "walking", requires: [types.metadata], platforms },
    { type: types.gc, id: "scheduler", requires: [types.metadata] },
    {
      type: types.runtime,
      id: "task",
      requires: [types.event, types.metadata],
      platforms,
      exports: { state, shim, ociRuntime },
      ...missing([shim, ociRuntime]),
    },
    ...serviceNames().map((noun) => ({ type: types.service, id: `${noun}-service`, requires: [types.metadata] })),
  ];
}

function snapshotterParts(root: string, platforms: string[], { default: chosen, errors }: Snapshotters): Part[] {
  return (["native", "overlayfs"] as const).map((id) => {
    const message = errors.get(id);
    return {
      type: types.snapshotter,
      id,
      platforms,
      capabilities: id === chosen ? ["default"] : [],
      exports: { root: `${root}/snapshots` },
      ...(message === undefined ? {} : { error: { message, skip: true } }),
    };
  });
}

/** The error for programs that cannot be executed any more. */
function missing(paths: readonly string[]): Pick<Part, "error"> {
  for (const path of paths) {
    try {
      accessSync(path, constants.X_OK);
    } catch (error) {
      return { error: { message: messageOf(error), skip: false } };
    }
  }
  return {};
}

/** The nouns of the contract. */
function serviceNames(): string[] {
  const nouns = Object.keys(supervisorContract.methods).flatMap((method) => {
    const [noun = "", verb] = method.split(".");
    return verb === undefined ? [] : [noun];
  });
  return [...new Set(nouns)].filter((noun) => noun !== "gc").sort();
}

function complete(part: Part): Plugin {
  return { requires: [], platforms: [], capabilities: [], exports: {}, ...part };
}
