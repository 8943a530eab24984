import { defined } from "@gantry/cli";
import type { Target } from "@gantry/cli/output";
import { familiarReference, formatReference, parseReference, withDefaultTag } from "@gantry/oci-spec/reference";
import type { Context } from "../command.ts";
import type { ProgressItem } from "../format/progress.ts";
import { showProgress } from "../io/progress.ts";
import { type Credentials, registryCredentials } from "../registry/credentials.ts";

export interface PullOptions {
  /** Receives the progress. */
  readonly target: Target;
  readonly quiet: boolean;
  readonly platform: string | undefined;
}

/**
 * Pulls an image and shows it as docker does.
 * @returns the image's name in full
 */
export async function pullImage(context: Context, name: string, options: PullOptions): Promise<string> {
  const reference = withDefaultTag(parseReference(name));
  const auth = await credentialsFor(context, reference.domain);
  const changed = await pullTag(context, name, { ...options, auth });
  if (!options.quiet) printOutcome(context, options.target, changed, familiarReference(reference));
  return formatReference(reference);
}

/** Pulls one tag or digest, without the last line. @returns whether the local image changed */
export async function pullTag(
  context: Context,
  name: string,
  { target, quiet, platform, auth }: PullOptions & { readonly auth: Credentials | undefined },
): Promise<boolean> {
  const reference = withDefaultTag(parseReference(name));
  const engine = await context.engine();
  const stream = engine.open("imagePull", defined({ Name: name, Platform: platform, Auth: auth }));
  let isAnnounced = quiet;
  // Printed as soon as the registry is known to have the image.
  const announce = (): void => {
    if (!isAnnounced)
      context.out.write(target, `${reference.tag ?? reference.digest}: Pulling from ${reference.path}\n`);
    isAnnounced = true;
  };
  const skip = (item: ProgressItem): boolean => {
    announce();
    return isNotShown(item);
  };
  await showProgress(context, stream.items, { target, quiet, skip });
  const { Digest, Changed } = await stream.result;
  announce();
  if (!quiet) context.out.write(target, `Digest: ${Digest}\n`);
  return Changed;
}

/** Prints the outcome of a pull. */
export function printOutcome(context: Context, target: Target, changed: boolean, name: string): void {
  const verdict = changed ? "Downloaded newer image" : "Image is up to date";
  context.out.write(target, `Status: ${verdict} for ${name}\n`);
}

/** The credentials that the user's configuration has for a registry. */
export function credentialsFor(context: Context, domain: string): Promise<Credentials | undefined> {
  return registryCredentials(domain, context.env, (text) => context.log.warn(text));
}

/** Omits documents, which docker does not show. */
export function isNotShown({ id, status }: ProgressItem): boolean {
  return id === undefined || /^Pulling from /.test(status);
}
