import * as v from "valibot";
import { empty, integer, labels } from "../common.ts";
import { call } from "../define.ts";
import { filters } from "./filters.ts";

/** A part of the supervisor, as containerd describes its plugins. */
export const plugin = v.object({
  /** io.containerd.snapshotter.v1, io.containerd.service.v1, … */
  type: v.string(),
  id: v.string(),
  /** Types that it needs. */
  requires: v.array(v.string()),
  /** linux/amd64; empty where any will do. */
  platforms: v.array(v.string()),
  capabilities: v.array(v.string()),
  /** Further facts, such as its directories. */
  exports: labels,
  /** Reason why it cannot be used; absent: it can. `skip`: it does not fit this machine, and nothing is broken. */
  error: v.optional(v.object({ message: v.string(), skip: v.boolean() })),
});
export type Plugin = v.InferOutput<typeof plugin>;

export const introspection = {
  "introspection.plugins": call({
    doc: "The parts of this supervisor and whether they work here. Filters match type, id, platforms and capabilities.",
    idempotent: true,
    request: v.object({ filters }),
    reply: v.object({ plugins: v.array(plugin) }),
  }),
  "introspection.server": call({
    doc: "Identity of the server: the uuid belongs to its root directory and outlives its process.",
    idempotent: true,
    request: empty,
    reply: v.object({ uuid: v.string(), pid: integer, /** Inode of its pid namespace. */ pidNamespace: integer }),
  }),
};
