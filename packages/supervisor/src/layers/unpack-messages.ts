import { absolutePath, digest, integer } from "@gantry/ipc/contracts/common";
import { errorCodes } from "@gantry/ipc/contracts/errors";
import { formatVersion, parseDocument } from "@gantry/ipc/formats/document";
import * as v from "valibot";
import type { AppliedLayer, LayerTarget } from "./apply-layer.ts";

/**
 * The two messages between a supervisor and the process that unpacks a layer for it: the process's argument and its
 * standard output. The process may be of another version, where the program's file was replaced meanwhile.
 */
const targetMessage = v.object({
  version: formatVersion,
  directory: absolutePath,
  lowers: v.array(absolutePath),
  whiteouts: v.picklist(["overlay", "remove"]),
  digest: v.optional(digest),
});

const failure = v.object({
  message: v.string(),
  /** Of a failed system call. */
  code: v.optional(v.string()),
  syscall: v.optional(v.string()),
  rpc: v.optional(v.picklist(Object.keys(errorCodes) as (keyof typeof errorCodes)[])),
});

const appliedMessage = v.object({
  diffId: digest,
  size: integer,
  inodes: integer,
  notes: v.optional(v.array(v.string()), []),
});

const answerMessage = v.union([
  v.object({ version: formatVersion, applied: appliedMessage }),
  v.object({ version: formatVersion, failed: failure }),
]);

export type UnpackFailure = v.InferOutput<typeof failure>;
export type UnpackAnswer = { readonly applied: AppliedLayer } | { readonly failed: UnpackFailure };

export function encodeTarget(target: LayerTarget): string {
  return JSON.stringify({ version: 1, ...target });
}

/** @throws Error naming the field that is wrong */
export function decodeTarget(text: string): LayerTarget {
  const { version: _, digest, ...target } = parseDocument(targetMessage, text, "the layer's target");
  return digest === undefined ? target : { ...target, digest };
}

export function encodeAnswer(answer: UnpackAnswer): string {
  return JSON.stringify({ version: 1, ...answer });
}

/** @throws Error when it is no answer */
export function decodeAnswer(text: string): UnpackAnswer {
  return parseDocument(answerMessage, text, "the answer of the process that unpacks");
}
