export * from "./defaults.ts";
export { defaultSeccompProfile } from "./defaults-seccomp.ts";
export { exampleSpec } from "./example.ts";
export { parseSpec, SpecError, withoutNulls } from "./parse.ts";
export { sysctlPath } from "./sysctl.ts";
export type * from "./types.ts";
export { type SpecProblem, validateProcess, validateResources, validateSpec } from "./validate.ts";
