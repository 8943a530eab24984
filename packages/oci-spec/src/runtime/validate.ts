import { runChecks } from "./checks.ts";
import { checkProcess } from "./checks-process.ts";
import type { SpecProblem } from "./shape.ts";
import { processShape, resourcesShape, specShape } from "./shape-spec.ts";
import type { Process, Spec } from "./types.ts";

export type { SpecProblem };

/**
 * Everything that is wrong with a configuration: the shape of its parts, and the rules between fields wherever the
 * shape of their input is valid. Empty when all is valid. Fields that the specification does not know are ignored.
 */
export function validateSpec(spec: unknown): SpecProblem[] {
  const problems: SpecProblem[] = [];
  specShape(spec, "", problems);
  runChecks(spec as Spec, problems);
  return problems;
}

/** The problems of the process object of an `exec`. */
export function validateProcess(process: unknown): SpecProblem[] {
  const problems: SpecProblem[] = [];
  processShape(process, "process", problems);
  if (problems.length === 0) checkProcess(process as Process, (path, message) => problems.push({ path, message }));
  return problems;
}

/** The problems of the resources object of an `update`. */
export function validateResources(resources: unknown): SpecProblem[] {
  const problems: SpecProblem[] = [];
  resourcesShape(resources, "resources", problems);
  return problems;
}
