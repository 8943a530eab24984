import type { Check, Report } from "./check.ts";
import type { Process, Scheduler } from "./types.ts";

/** Rules of a process object by itself; its paths begin with "process". */
export function checkProcess(process: Process, report: Report): void {
  if (!process.cwd.startsWith("/")) report("process.cwd", `must be an absolute path, not "${process.cwd}"`);
  if ((process.args ?? []).length === 0) report("process.args", "must hold at least the program");
  checkRlimits(process, report);
  if (process.scheduler) checkScheduler(process.scheduler, report);
}

function checkRlimits({ rlimits = [] }: Process, report: Report): void {
  const seen = new Set<string>();
  rlimits.forEach(({ type, soft, hard }, index) => {
    if (seen.has(type)) report(`process.rlimits[${index}].type`, `${type} is given twice`);
    if (soft > hard) report(`process.rlimits[${index}].soft`, `must not be above hard (${soft} > ${hard})`);
    seen.add(type);
  });
}

function checkScheduler({ policy, nice = 0, priority = 0, ...rest }: Scheduler, report: Report): void {
  if (nice < -20 || nice > 19) report("process.scheduler.nice", `must be from -20 to 19, not ${nice}`);
  const realTime = policy === "SCHED_FIFO" || policy === "SCHED_RR";
  if (realTime && (priority < 1 || priority > 99))
    report("process.scheduler.priority", `must be from 1 to 99 with ${policy}, not ${priority}`);
  if (!realTime && priority !== 0)
    report("process.scheduler.priority", `is for SCHED_FIFO and SCHED_RR, not for ${policy}`);
  if (policy === "SCHED_DEADLINE") return;
  for (const field of ["runtime", "deadline", "period"] as const)
    if (rest[field]) report(`process.scheduler.${field}`, `is for SCHED_DEADLINE, not for ${policy}`);
}

export const processChecks: readonly Check[] = [
  { reads: ["process"], run: ({ process }, report) => process && checkProcess(process, report) },
];
