import { familiarName, familiarReference, parseReference, withDefaultTag } from "@gantry/oci-spec/reference";
import { CommandError, defineCommand } from "../../command.ts";
import { credentialsFor } from "../../image/pull.ts";
import { localTags, pushTag } from "../../image/push.ts";

export const command = defineCommand({
  usage: "[OPTIONS] NAME[:TAG]",
  summary: "Upload an image to a registry",
  flags: {
    "all-tags": { type: "boolean", short: "a", doc: "Push all tags of an image to the repository" },
    platform: { type: "string", value: "OS/ARCH", doc: "Push only this platform's manifest of an image with several" },
    quiet: { type: "boolean", short: "q", doc: "Suppress verbose output" },
  },
  args: [1, 1],
  examples: ["localhost:5000/team/app:1.2", "-a localhost:5000/team/app"],
  async run(context, { values, args: [name = ""] }) {
    const { quiet, platform } = values;
    const given = parseReference(name);
    if (given.digest !== undefined) throw new CommandError("cannot push a digest reference");
    if (values["all-tags"] && given.tag !== undefined) throw new CommandError("tag can't be used with --all-tags/-a");
    const repository = familiarName(given);
    if (!values["all-tags"] && given.tag === undefined && !quiet) context.out.print("Using default tag: latest");
    if (!quiet) context.out.print(`The push refers to repository [${given.domain}/${given.path}]`);
    const present = await localTags(context, repository);
    const wanted = values["all-tags"] ? present : [familiarReference(withDefaultTag(given))];
    if (present.length === 0) throw new CommandError(`An image does not exist locally with the tag: ${repository}`);
    const missing = wanted.find((tag) => !present.includes(tag));
    if (missing !== undefined) throw new CommandError(`tag does not exist: ${missing}`);
    const auth = await credentialsFor(context, given.domain);
    for (const tag of wanted) await pushTag(context, tag, { quiet, platform, auth });
    if (quiet) context.out.print(familiarReference(values["all-tags"] ? given : withDefaultTag(given)));
    return 0;
  },
});
