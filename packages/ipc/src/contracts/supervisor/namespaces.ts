import * as v from "valibot";
import { empty, identifier, labels } from "../common.ts";
import { call } from "../define.ts";

export const namespaces = {
  "namespaces.create": call({
    doc: "Makes a namespace.",
    request: v.object({ name: identifier, labels }),
    reply: empty,
  }),
  "namespaces.list": call({
    doc: "All namespaces with their labels.",
    idempotent: true,
    request: empty,
    reply: v.object({ namespaces: v.array(v.object({ name: v.string(), labels })) }),
  }),
  "namespaces.get": call({
    doc: "One namespace.",
    idempotent: true,
    request: v.object({ name: identifier }),
    reply: v.object({ name: v.string(), labels }),
  }),
  "namespaces.label": call({
    doc: "Sets labels; an empty value removes one.",
    idempotent: true,
    request: v.object({ name: identifier, labels }),
    reply: empty,
  }),
  "namespaces.delete": call({
    doc: "Removes an empty namespace; FailedPrecondition names its contents.",
    request: v.object({
      name: identifier,
      /** Removes also the cgroup of this name; FailedPrecondition while something is in it, and then all stays. */
      cgroup: v.optional(v.boolean()),
    }),
    reply: empty,
  }),
};
