import { defined } from "@gantry/cli";
import { familiarReference, parseReference } from "@gantry/oci-spec/reference";
import type { Context } from "../command.ts";
import { showProgress } from "../io/progress.ts";
import type { Credentials } from "../registry/credentials.ts";
import { isNotShown } from "./pull.ts";

export interface PushOptions {
  readonly quiet: boolean;
  readonly platform: string | undefined;
  readonly auth: Credentials | undefined;
}

/** Pushes one tag and shows it as docker does. */
export async function pushTag(context: Context, name: string, options: PushOptions): Promise<void> {
  const { quiet, platform, auth } = options;
  const engine = await context.engine();
  const stream = engine.open("imagePush", defined({ Name: name, Platform: platform, Auth: auth }));
  await showProgress(context, stream.items, { target: 1, quiet, skip: isNotShown });
  const { Digest, Size } = await stream.result;
  if (!quiet) context.out.print(`${parseReference(name).tag}: digest: ${Digest} size: ${Size}`);
}

/** Names of a repository's local images, in their short form. */
export async function localTags(context: Context, repository: string): Promise<string[]> {
  const engine = await context.engine();
  const { Images } = await engine.call("imageList", {});
  const names = Images.flatMap(({ RepoTags }) => RepoTags);
  return names.filter((name) => repositoryOf(name) === repository).sort();
}

function repositoryOf(name: string): string | undefined {
  try {
    const { domain, path } = parseReference(name);
    return familiarReference({ domain, path });
  } catch {
    return undefined; // "<none>:<none>"
  }
}
