export type { CommandSpec } from "./command.ts";
export { anyNumber, argumentProblem } from "./command.ts";
export { CommandError } from "./command-error.ts";
export { defined } from "./defined.ts";
export type { Flag, FlagTable, FlagValues, Parsed } from "./flags.ts";
export { parseFlags, UnknownFlag, UsageError } from "./flags.ts";
export type { HelpText } from "./help.ts";
export { formatHelp } from "./help.ts";
