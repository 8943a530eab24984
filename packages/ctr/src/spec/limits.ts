import { CommandError } from "../command.ts";
import type { ContainerValues } from "../run/container-flags.ts";
import type { ContainerSpec } from "./default-spec.ts";

const cpusPeriodUs = 100_000;

/** Memory and CPU. @throws CommandError for flags that set the same limit */
export function setLimits({ linux: { resources } }: ContainerSpec, values: ContainerValues): void {
  if (values["memory-limit"]) resources.memory = { limit: values["memory-limit"] };
  const quota = values["cpu-quota"];
  const period = values["cpu-period"];
  const cpus = parseCpus(values.cpus);
  if (cpus > 0 && (quota > -1 || period !== 0))
    throw new CommandError("cpus and quota/period should be used separately");
  resources.cpu = { shares: values["cpu-shares"] };
  if (cpus > 0) Object.assign(resources.cpu, { quota: Math.round(cpus * cpusPeriodUs), period: cpusPeriodUs });
  if (quota > -1) resources.cpu.quota = quota;
  if (period !== 0) resources.cpu.period = period;
}

function parseCpus(text: string | undefined): number {
  if (text === undefined) return 0;
  const cpus = Number(text);
  if (text.trim() === "" || !Number.isFinite(cpus) || cpus < 0) {
    throw new CommandError(`invalid value "${text}" for --cpus: must be a number such as 1.5`);
  }
  return cpus;
}
