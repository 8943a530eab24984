import { resolve } from "node:path";
import { defined } from "@gantry/cli";
import { CommandError, defineCommand } from "../../command.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER",
  summary: "Checkpoint a container into files, by the OCI runtime and CRIU",
  flags: {
    exit: { type: "boolean", doc: "Stop the container after the checkpoint" },
    "image-path": { type: "string", value: "DIR", doc: "Directory of CRIU's images" },
    "work-path": { type: "string", value: "DIR", doc: "Directory of CRIU's logs" },
  },
  args: [1, 1],
  missing: "container id must be provided",
  examples: ["--image-path /var/tmp/redis redis", "--exit --image-path /var/tmp/redis redis"],
  async run({ namespace, cwd, supervisor: connect }, { values, args: [containerId = ""] }) {
    const images = values["image-path"];
    const work = values["work-path"];
    if (images === undefined) throw new CommandError("--image-path must be given: the directory of CRIU's images");
    const supervisor = await connect();
    await supervisor.call(
      "tasks.checkpoint",
      defined({
        namespace,
        containerId,
        imagePath: resolve(cwd, images),
        workPath: work === undefined ? undefined : resolve(cwd, work),
        exit: values.exit || undefined,
      }),
    );
    return 0;
  },
});
