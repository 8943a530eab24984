import type { FlagTable } from "@gantry/cli";

/** Flags of `stop` and of `restart`, which stops first. */
export const stopFlags = {
  signal: { type: "string", short: "s", value: "SIGNAL", doc: "Signal to send to the container" },
  time: {
    type: "integer",
    short: "t",
    aliases: ["timeout"],
    value: "SECONDS",
    doc: "Seconds to wait before killing the container (-1: for ever)",
  },
} as const satisfies FlagTable;
