import { describeIssue } from "@gantry/common/schema-issue";
import * as v from "valibot";
import * as shape from "./shape.ts";

export type ImagePlatform = NonNullable<v.InferOutput<typeof shape.platform>>;
export type ImageDescriptor = v.InferOutput<typeof shape.descriptor>;
export type ImageManifest = v.InferOutput<typeof shape.manifest>;
export type ImageIndex = v.InferOutput<typeof shape.index>;
export type ImageConfig = v.InferOutput<typeof shape.imageConfig>;
export type ImageRunConfig = v.InferOutput<typeof shape.runConfig>;
export type DockerArchive = v.InferOutput<typeof shape.dockerArchive>;
export type LegacyImage = v.InferOutput<typeof shape.legacyImage>;

/** A document of an image is malformed. The message names the document and the field. */
export class ImageError extends Error {
  override name = "ImageError";
}

/** JSON text (or bytes of it), or a value already read. */
export type ImageDocument = Uint8Array | string | object;

/** @throws ImageError */
export const parseManifest = (input: ImageDocument): ImageManifest => parse("image manifest", shape.manifest, input);

/** @throws ImageError */
export const parseIndex = (input: ImageDocument): ImageIndex => parse("image index", shape.index, input);

/** @throws ImageError */
export const parseImageConfig = (input: ImageDocument): ImageConfig =>
  parse("image configuration", shape.imageConfig, input);

/** @throws ImageError unless it is an image layout of a version that is known */
export const parseImageLayout = (input: ImageDocument): void => void parse("oci-layout", shape.imageLayout, input);

/** @throws ImageError */
export const parseDockerArchive = (input: ImageDocument): DockerArchive =>
  parse("manifest.json of a docker archive", shape.dockerArchive, input);

/** @throws ImageError */
export const parseRepositories = (input: ImageDocument): Record<string, Record<string, string>> =>
  parse("repositories of a docker archive", shape.repositories, input);

/** @throws ImageError */
export const parseLegacyImage = (input: ImageDocument): LegacyImage =>
  parse("json of a layer", shape.legacyImage, input);

function parse<T extends v.GenericSchema>(what: string, schema: T, input: ImageDocument): v.InferOutput<T> {
  const value = typeof input === "string" || input instanceof Uint8Array ? readJson(what, input) : input;
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues as [v.BaseIssue<unknown>];
  throw new ImageError(`invalid ${what}: ${describeIssue(issue)}`);
}

/** Bytes that are not UTF-8 become U+FFFD, as in Go: an author's name in another encoding is no reason to refuse an image. */
function readJson(what: string, input: Uint8Array | string): unknown {
  try {
    return JSON.parse(typeof input === "string" ? input : new TextDecoder().decode(input));
  } catch (error) {
    throw new ImageError(`invalid ${what}: not JSON: ${(error as Error).message}`);
  }
}
