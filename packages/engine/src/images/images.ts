import { isRpcError } from "@gantry/ipc";
import type { ResolvedImage } from "@gantry/ipc/contracts/supervisor";
import {
  type ImageConfig,
  type ImageRunConfig,
  InvalidReferenceError,
  normalizeReference,
  parseImageConfig,
} from "@gantry/oci-spec";
import { invalid, notFound } from "../base/errors.ts";
import type { Supervisor } from "../supervisor/link.ts";

/** An image with its parsed configuration. */
export interface FoundImage {
  /** Digest of its configuration: Docker's image id. */
  readonly id: string;
  readonly resolved: ResolvedImage;
  readonly config: ImageConfig;
  readonly runConfig: ImageRunConfig;
}

const MAX_CACHED = 64;

/** Looks images up by name, id or digest; results are cached until an image changes. */
export class Images {
  readonly #supervisor: Supervisor;
  readonly #found = new Map<string, Promise<FoundImage>>();

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
  }

  /** Clears the cache: an image was added, changed or removed. */
  invalidate(): void {
    this.#found.clear();
  }

  /**
   * An image by name, id or start of an id.
   * @throws RpcError NotFound, InvalidArgument for text that cannot name an image
   */
  resolve(reference: string, platform?: string): Promise<FoundImage> {
    const key = `${platform ?? ""} ${reference}`;
    const present = this.#found.get(key);
    if (present) return present;
    const pending = this.#lookup(reference, platform);
    if (this.#found.size >= MAX_CACHED) this.#found.clear();
    this.#found.set(key, pending);
    pending.catch(() => {
      if (this.#found.get(key) === pending) this.#found.delete(key);
    });
    return pending;
  }

  /** Every name in the supervisor, with its image; an image without this platform is left out. */
  async all(): Promise<FoundImage[]> {
    const { images } = await this.#supervisor.call("images.list", {});
    const found = await Promise.all(
      images.map((image) =>
        this.#byFullName(image.name).catch((error: unknown) => {
          if (isRpcError(error, "Unavailable") || isRpcError(error, "Cancelled")) throw error;
          return undefined;
        }),
      ),
    );
    return found.filter((image) => image !== undefined);
  }

  async #lookup(reference: string, platform: string | undefined): Promise<FoundImage> {
    const name = fullName(reference);
    if (name !== undefined) {
      try {
        return await this.#byFullName(name, platform);
      } catch (error) {
        if (!isRpcError(error, "NotFound")) throw error;
      }
    }
    const other = await this.#byDigest(reference, name);
    if (other) return other;
    if (name === undefined && !/^(sha256:)?[0-9a-f]+$/.test(reference)) throw invalidReference(reference);
    throw notFound(
      `No such image: ${name === undefined || reference.includes(":") ? reference : `${reference}:latest`}`,
    );
  }

  async #byFullName(name: string, platform?: string): Promise<FoundImage> {
    const request = { name, ...(platform ? { platform } : {}) };
    // Unpacking a large image takes as long as it takes.
    const resolved = await this.#supervisor.call("images.resolve", request, { timeoutMs: 0 });
    const config = parseImageConfig(resolved.configDocument);
    return { id: resolved.config.digest, resolved, config, runConfig: config.config ?? {} };
  }

  /** By id, start of an id, or repo@digest of an image that has another name. */
  async #byDigest(reference: string, name: string | undefined): Promise<FoundImage | undefined> {
    if (name?.includes("@")) {
      return (await this.all()).find((image) => image.resolved.repoDigests.includes(name));
    }
    const hex = reference.replace(/^sha256:/, "");
    if (!/^[0-9a-f]{1,64}$/.test(hex)) return undefined;
    const matches = new Map<string, FoundImage>();
    for (const image of await this.all()) {
      if (image.id.startsWith(`sha256:${hex}`)) matches.set(image.id, image);
    }
    if (matches.size > 1) throw invalid(`multiple IDs found with provided prefix: ${reference}`);
    return [...matches.values()][0];
  }
}

/** The full name of a reference; undefined where it is not a name (but perhaps an id). */
function fullName(reference: string): string | undefined {
  if (/^sha256:[0-9a-f]+$/.test(reference)) return undefined;
  try {
    return normalizeReference(reference);
  } catch (error) {
    if (error instanceof InvalidReferenceError) return undefined;
    throw error;
  }
}

function invalidReference(reference: string): Error {
  try {
    normalizeReference(reference);
  } catch (error) {
    if (error instanceof Error) return invalid(error.message);
  }
  return invalid(`invalid reference format: ${reference}`);
}
