import type { FlagTable } from "@gantry/cli";
import { version } from "@gantry/common/version";

export const versionLine = `Gantry version ${version}`;

/** Flags that stand before the command. */
export const globalFlags = {
  config: { type: "string", value: "DIR", doc: "Directory of config.json; else DOCKER_CONFIG, else ~/.docker" },
  debug: { type: "boolean", short: "D", doc: "Report more about failures on standard error" },
  help: { type: "boolean", doc: "Print this help" },
  host: {
    type: "string",
    short: "H",
    value: "ENDPOINT",
    doc: "The engine's socket, ipc:///PATH or an absolute path; else GANTRY_HOST, else ipc:///run/gantry/engine.sock",
  },
  "log-level": {
    type: "string",
    short: "l",
    value: "LEVEL",
    choices: ["debug", "info", "warn", "error", "fatal"],
    default: "info",
    doc: "Lowest level of messages on standard error: debug, info, warn, error or fatal",
  },
  version: { type: "boolean", short: "v", doc: "Print the version" },
} as const satisfies FlagTable;
