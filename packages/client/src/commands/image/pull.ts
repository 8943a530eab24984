import { familiarName, parseReference } from "@gantry/oci-spec/reference";
import { CommandError, type Context, defineCommand } from "../../command.ts";
import { credentialsFor, printOutcome, pullImage, pullTag } from "../../image/pull.ts";

export const command = defineCommand({
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  summary: "Download an image from a registry",
  flags: {
    "all-tags": { type: "boolean", short: "a", doc: "Download all tagged images in the repository" },
    platform: { type: "string", value: "OS/ARCH", doc: "Set platform if the image has several" },
    quiet: { type: "boolean", short: "q", doc: "Suppress verbose output" },
  },
  args: [1, 1],
  examples: ["busybox", "localhost:5000/team/app:1.2", "-a localhost:5000/team/app"],
  async run(context, { values, args: [name = ""] }) {
    const { tag, digest } = parseReference(name);
    const isTagged = tag !== undefined || digest !== undefined;
    const { quiet, platform } = values;
    if (values["all-tags"]) {
      if (isTagged) throw new CommandError("tag can't be used with --all-tags/-a");
      context.out.print(await pullAll(context, name, { quiet, platform }));
      return 0;
    }
    if (!isTagged && !quiet) context.out.print("Using default tag: latest");
    context.out.print(await pullImage(context, name, { target: 1, quiet, platform }));
    return 0;
  },
});

/** @returns the repository's name */
async function pullAll(
  context: Context,
  name: string,
  options: { readonly quiet: boolean; readonly platform: string | undefined },
): Promise<string> {
  const reference = parseReference(name);
  const repository = familiarName(reference);
  const auth = await credentialsFor(context, reference.domain);
  const engine = await context.engine();
  const { Tags } = await engine.call("imageRemoteTags", { Name: name, ...(auth && { Auth: auth }) }, { timeoutMs: 0 });
  let changed = false;
  for (const tag of Tags) {
    changed = (await pullTag(context, `${repository}:${tag}`, { ...options, target: 1, auth })) || changed;
  }
  if (!options.quiet) printOutcome(context, 1, changed, repository);
  return `${reference.domain}/${reference.path}`;
}
