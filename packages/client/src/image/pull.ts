import { defined } from "@gantry/cli";
import type { Target } from "@gantry/cli/output";
import { familiarReference, formatReference, parseReference, withDefaultTag } from "@gantry/oci-spec/reference";
import type { Context } from "../command.ts";
import type { ProgressItem } from "../format/progress.ts";
import { showProgress } from "../io/progress.ts";

import { registryCredentials } from "./credentials.ts";

export interface PullOptions {
  /** Where the progress goes. */
  readonly target: Target;
  readonly quiet: boolean;
  readonly platform: string | undefined;
}

/**
 * Pulls an image and shows it as docker does.
 * @returns the image's name in full
 */
export async function pullImage(context: Context, name: string, options: PullOptions): Promise<string> {
  const { target, quiet } = options;
  const reference = withDefaultTag(parseReference(name));
  const auth = await registryCredentials(reference.domain, context.env);
  const engine = await context.engine();
  const stream = engine.open("imagePull", defined({ Name: name, Platform: options.platform, Auth: auth }));
  const say = (line: string): void => {
    if (!quiet) context.out.write(target, `${line}\n`);
  };
  say(`${reference.tag ?? reference.digest}: Pulling from ${reference.path}`);
  await showProgress(context, stream.items, { target, quiet, skip: isSaidHere });
  const { Digest, Changed } = await stream.result;
  say(`Digest: ${Digest}`);
  const verdict = Changed ? "Downloaded newer image" : "Image is up to date";
  say(`Status: ${verdict} for ${familiarReference(reference)}`);
  return formatReference(reference);
}

/** What the engine may say of the whole is said here, in its place. */
function isSaidHere({ id, status }: ProgressItem): boolean {
  return id === undefined || /^Pulling from /.test(status);
}
