import { pauseContainer, resumeContainer } from "../run/limits/pause.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./context.ts";

export const pause: Command = async (args, context) => {
  const summary = "Suspends all processes of a container.";
  const usage = {
    name: "pause",
    operands: "ID",
    summary,
    flags: {},
    example: "oci-runtime pause box",
    count: [1, 1],
  } as const;
  const parsed = parseArguments(args, usage, context);
  if (parsed) await pauseContainer(await context.host(), context.store, parsed.operands[0] ?? "");
  return 0;
};

export const resume: Command = async (args, context) => {
  const summary = "Resumes all processes of a paused container.";
  const usage = {
    name: "resume",
    operands: "ID",
    summary,
    flags: {},
    example: "oci-runtime resume box",
    count: [1, 1],
  } as const;
  const parsed = parseArguments(args, usage, context);
  if (parsed) await resumeContainer(await context.host(), context.store, parsed.operands[0] ?? "");
  return 0;
};
