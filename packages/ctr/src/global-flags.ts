import type { FlagTable } from "@gantry/cli";
import { version } from "@gantry/common/version";
import { searchedAddresses } from "./supervisor/locate.ts";

export const versionLine = `ctr Gantry ${version}`;

/** Flags that stand before the command. */
export const globalFlags = {
  debug: { type: "boolean", doc: "Report more about failures on standard error" },
  address: {
    type: "string",
    short: "a",
    value: "ADDRESS",
    doc: `The supervisor's socket, ipc:///PATH or an absolute path; else GANTRY_SUPERVISOR, else the first of ${searchedAddresses.join(" and ")} that answers`,
  },
  timeout: {
    type: "string",
    value: "DURATION",
    doc: "Total timeout of the command (10s, 1m30s); 0: none",
    default: "0s",
  },
  "connect-timeout": {
    type: "string",
    value: "DURATION",
    doc: "How long to wait for the supervisor to listen; 0: not at all",
    default: "0s",
  },
  namespace: {
    type: "string",
    short: "n",
    value: "NAME",
    doc: 'Namespace to work in; else CONTAINERD_NAMESPACE, else "gantry" at the supervisor of an engine, else "default"',
  },
  help: { type: "boolean", short: "h", doc: "Print this help" },
  version: { type: "boolean", short: "v", doc: "Print the version" },
} as const satisfies FlagTable;
