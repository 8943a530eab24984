import { runChecks } from "./checks.ts";
import type { SpecProblem } from "./shape.ts";
import { processShape, resourcesShape, specShape } from "./shape-spec.ts";
import type { Spec } from "./types.ts";

export type { SpecProblem };

/**
 * Everything that is wrong with a configuration: first its shape; where that is right, the rules between fields.
 * Empty when it is right. Fields that the specification does not know are ignored.
 */
export function validateSpec(spec: unknown): SpecProblem[] {
  const problems: SpecProblem[] = [];
  specShape(spec, "", problems);
  return problems.length > 0 ? problems : runChecks(spec as Spec);
}

/** What is wrong with the process object that `exec` is given. */
export function validateProcess(process: unknown): SpecProblem[] {
  const problems: SpecProblem[] = [];
  processShape(process, "process", problems);
  if (problems.length > 0) return problems;
  const { args, cwd } = process as { args?: string[]; cwd: string };
  if ((args ?? []).length === 0) problems.push({ path: "process.args", message: "must hold at least the program" });
  if (!cwd.startsWith("/")) problems.push({ path: "process.cwd", message: `must be an absolute path, not "${cwd}"` });
  return problems;
}

/** What is wrong with the resources object that `update` is given. */
export function validateResources(resources: unknown): SpecProblem[] {
  const problems: SpecProblem[] = [];
  resourcesShape(resources, "resources", problems);
  return problems;
}
