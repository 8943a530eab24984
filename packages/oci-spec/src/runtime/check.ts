import type { NamespaceType, Spec } from "./types.ts";

export type Report = (path: string, message: string) => void;

/** A rule between fields. It is checked only where the fields that it reads have the right shape. */
export interface Check {
  /** Paths of the parts of the document that it reads. */
  readonly reads: readonly string[];
  readonly run: (spec: Spec, report: Report) => void;
}

/** True where the configuration makes or joins a namespace of this type. */
export function hasNamespace({ linux }: Spec, type: NamespaceType): boolean {
  return (linux?.namespaces ?? []).some((namespace) => namespace.type === type);
}
