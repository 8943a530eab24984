import { createHash } from "node:crypto";
import type { Handlers } from "@gantry/ipc";
import { RpcError } from "@gantry/ipc";
import type { ResolvedImage, supervisorContract } from "@gantry/ipc/contracts/supervisor";
import { normalizeReference } from "@gantry/oci-spec";

type Methods = (typeof supervisorContract)["methods"];

export interface Image {
  readonly digest: string;
  readonly config: Record<string, unknown>;
}

/** An image without layers whose digests follow from its name and configuration. */
export function standInImage(name: string, config: Record<string, unknown>): Image {
  const run = { Env: ["PATH=/usr/bin:/bin"], Cmd: ["sh"], ...config };
  const document = {
    created: "2026-01-02T03:04:05Z",
    architecture: "amd64",
    os: "linux",
    config: run,
    rootfs: { type: "layers", diff_ids: [] },
  };
  const digest = `sha256:${createHash("sha256")
    .update(`${name}${JSON.stringify(document)}`)
    .digest("hex")}`;
  return { digest, config: document };
}

export function imageHandlers(images: Map<string, Image>) {
  const find = (name: string): Image => {
    const image = images.get(name);
    if (!image) throw new RpcError("NotFound", `no image ${name}`);
    return image;
  };
  return {
    "images.list": async () => ({ images: [...images].map(([name, image]) => show(name, image)) }),
    "images.get": async ({ name }) => show(name, find(name)),
    "images.resolve": async ({ name }) => resolved(name, find(name)),
    "images.tag": async ({ name, newName }) => {
      images.set(newName, find(name));
      return show(newName, find(newName));
    },
    "images.delete": async ({ name }) => {
      find(name);
      images.delete(name);
      return { removed: [] };
    },
    "images.load": async (_, context) => {
      for await (const { blobs } of context.input) {
        for (const blob of blobs) {
          const name = normalizeReference(Buffer.from(blob).toString());
          images.set(name, standInImage(name, {}));
        }
      }
      await context.send({ status: "Loading layer" });
      return { images: [...images].map(([name, image]) => show(name, image)).slice(-1) };
    },
  } satisfies Partial<Handlers<Methods>>;
}

function show(name: string, { digest }: Image) {
  const target = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 100 };
  return { name, target, labels: {}, createdAt: "2026-01-01T00:00:00Z", updatedAt: "2026-01-01T00:00:00Z" };
}

function resolved(name: string, image: Image): ResolvedImage {
  const { target } = show(name, image);
  const id = `sha256:${createHash("sha256").update(image.digest).digest("hex")}`;
  return {
    image: show(name, image),
    manifest: target,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: id, size: 100 },
    configDocument: image.config,
    chainId: "",
    unpackedSize: 1000,
    contentSize: 500,
    repoDigests: [`${name.replace(/:[^:/]+$/, "")}@${image.digest}`],
  };
}
