import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { RpcError } from "@gantry/ipc";
import { tempDir, waitFor, writeDockerArchive } from "@gantry/testkit";
import { before, test } from "tap";
import { imageParts } from "./support/images.ts";
import { skopeo, startProxy, startRegistry } from "./support/registry.ts";

const mebibyte = 1 << 20;
const nothing = { images: 0, blobs: 0, snapshots: 0 };
const scope = new AsyncDisposableStack();
let registry = "";

before(async () => {
  const directory = scope.use(tempDir("registry"));
  ({ address: registry } = scope.use(await startRegistry(directory.path)));
  const archive = `${directory.path}/image.tar`;
  const layers = ["one", "two"].map((path) => [{ path, content: randomBytes(3 * mebibyte) }]);
  await writeDockerArchive(archive, { name: "random:1", layers, config: {} });
  await skopeo("copy", "-q", "--dest-tls-verify=false", `docker-archive:${archive}`, `docker://${registry}/random:1`);
});

/**
 * A registry that sends half of the first large blob that is requested, and then no more until the client gives up.
 * @param other answers requests for other large blobs; false passes them on
 */
async function stallingRegistry(other: (response: ServerResponse) => boolean) {
  const sizes = new Map<string, number>();
  let stalled: string | undefined;
  const stall = { isSending: false, isClosed: false };
  const proxy = await startProxy(registry, (request, response) => {
    const { url = "" } = request;
    if (!url.includes("/blobs/")) return false;
    answer(url, response).catch(() => response.destroy());
    return true;
  });
  async function answer(url: string, response: ServerResponse): Promise<void> {
    const bytes = new Uint8Array(await (await fetch(`http://${registry}${url}`)).arrayBuffer());
    sizes.set(url, bytes.length);
    if (bytes.length < mebibyte) response.end(bytes);
    else if (stalled === undefined || stalled === url) {
      stalled = url;
      response.on("close", () => {
        stall.isClosed = true;
      });
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, bytes.length >> 1));
      stall.isSending = true;
    } else {
      await waitFor(() => stall.isSending, { what: "the first blob" });
      if (!other(response)) response.end(bytes);
    }
  }
  return { name: `${proxy.address}/random:1`, stall, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
}

test("a full disk ends a pull at once, however slow its downloads are", async (t) => {
  await using slow = await stallingRegistry(() => false);
  await using parts = imageParts({ snapshotBytes: mebibyte });
  const pull = parts.pull({ name: slow.name, parallel: 1 });
  await t.rejects(pull, { code: "ResourceExhausted", message: /random:1.*no space left to unpack/ });
  await waitFor(() => slow.stall.isClosed, { what: "the end of the download" });
  t.strictSame(parts.left(), nothing);
});

test("a layer that cannot be fetched ends a pull at once, while an earlier one is still coming", async (t) => {
  await using slow = await stallingRegistry((response) => {
    response.writeHead(403).end();
    return true;
  });
  await using parts = imageParts();
  await t.rejects(parts.pull({ name: slow.name }), { code: "PermissionDenied" });
  await waitFor(() => slow.stall.isClosed, { what: "the end of the download" });
  t.strictSame(parts.left(), nothing);
});

test("a pull whose caller gives up while it unpacks gives no name", async (t) => {
  await using parts = imageParts();
  const call = new AbortController();
  const { unpacker } = parts.images;
  const unpack = unpacker.unpack.bind(unpacker);
  unpacker.unpack = async (...args) => {
    const chainId = await unpack(...args);
    call.abort(new RpcError("Cancelled", "never mind"));
    return chainId;
  };
  await t.rejects(parts.pull({ name: `${registry}/random:1` }, call.signal), { message: /never mind/ });
  t.strictSame(parts.left(), nothing);
});

test("teardown", async () => {
  await scope.disposeAsync();
});
