import { binarySize } from "@gantry/cli/size";
import { isObject, type PlainObject } from "./template/values.ts";

/** Label, field and form of each line, in docker info's order; a field that the engine does not report is left out. */
const lines: readonly (readonly [label: string, field: string, form?: (value: unknown) => string])[] = [
  ["Containers", "Containers"],
  [" Running", "ContainersRunning"],
  [" Paused", "ContainersPaused"],
  [" Stopped", "ContainersStopped"],
  ["Images", "Images"],
  ["Server Version", "ServerVersion"],
  ["Storage Driver", "Driver"],
  ["Logging Driver", "LoggingDriver"],
  ["Cgroup Driver", "CgroupDriver"],
  ["Cgroup Version", "CgroupVersion"],
  ["Runtimes", "Runtimes", (value) => (isObject(value) ? Object.keys(value).sort().join(" ") : String(value))],
  ["Default Runtime", "DefaultRuntime"],
  ["Init Binary", "InitBinary"],
  [
    "Security Options",
    "SecurityOptions",
    (value) => (Array.isArray(value) ? `\n${value.map((item) => `   ${item}`).join("\n")}` : String(value)),
  ],
  ["Kernel Version", "KernelVersion"],
  ["Operating System", "OperatingSystem"],
  ["OSType", "OSType"],
  ["Architecture", "Architecture"],
  ["CPUs", "NCPU"],
  ["Total Memory", "MemTotal", (value) => binarySize(Number(value))],
  ["Name", "Name"],
  ["ID", "ID"],
  ["Root Dir", "DockerRootDir"],
  ["Debug Mode", "Debug"],
];

/** docker info's layout. */
export function infoText(info: PlainObject, client: PlainObject): string {
  const own = [`Client:`, ` Version:    ${client["Version"]}`, ` Debug Mode: false`];
  const server = lines.flatMap(([label, field, form = String]) => {
    const value = info[field];
    if (value === undefined || value === null || value === "") return [];
    return [` ${label}: ${form(value)}`.replace(/: \n/, ":\n")];
  });
  return `${[...own, "", "Server:", ...server].join("\n")}\n`;
}
