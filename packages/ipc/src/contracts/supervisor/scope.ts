import * as v from "valibot";
import { identifier } from "../common.ts";

/** Every request is made in one namespace; namespaces do not see each other's images, containers, snapshots and tasks. */
export const inNamespace = { namespace: identifier };
/** A lease for the objects that the call makes: they may be collected once the lease has ended and nothing refers to them. */
export const underLease = { lease: v.optional(identifier) };
export const named = v.object({ ...inNamespace, name: v.string() });
export const ofContainer = { ...inNamespace, containerId: identifier };
/** A process of a task: without execId its first one. */
export const ofProcess = { ...ofContainer, execId: v.optional(identifier) };
