import { defineCommand } from "../../command.ts";
import { prepareFlags, prepareSnapshot } from "../../snapshots/prepare.ts";

export const command = defineCommand({
  usage: "[OPTIONS] KEY [PARENT]",
  summary: "Prepare a writable snapshot on a committed snapshot, or on nothing",
  flags: prepareFlags,
  args: [1, 2],
  missing: "please provide a key for the snapshot",
  examples: ["work sha256:…", "-t /mnt work sha256:…"],
  run: (context, parsed) => prepareSnapshot(context, "snapshots.prepare", parsed),
});
