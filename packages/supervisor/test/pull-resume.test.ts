import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { tempDir, waitFor, writeDockerArchive } from "@gantry/testkit";
import { test } from "tap";
import { skopeo, startProxy, startRegistry } from "./support/registry.ts";
import { startStack } from "./support/stack.ts";

const namespace = "test";
const mebibyte = 1 << 20;

test("a pull resumes the download of a killed supervisor", async (t) => {
  await using directory = tempDir("resume");
  await using registry = await startRegistry(directory.path);
  const archive = `${directory.path}/image.tar`;
  const layer = [{ path: "random", content: randomBytes(8 * mebibyte) }];
  await writeDockerArchive(archive, { name: "random:1", layers: [layer], config: {} });
  const target = `docker://${registry.address}/random:1`;
  await skopeo("copy", "-q", "--dest-tls-verify=false", `docker-archive:${archive}`, target);

  let stalls = true;
  const ranges: (string | undefined)[] = [];
  await using proxy = await startProxy(registry.address, (request, response) => {
    if (!request.url?.includes("/blobs/")) return false;
    ranges.push(request.headers.range);
    if (!stalls) return false;
    stall(registry.address, request.url, response, 3 * mebibyte);
    return true;
  });
  await using stack = await startStack();
  const { client } = stack;
  const name = `${proxy.address}/random:1`;
  const first = client.open("images.pull", { namespace, name });
  first.result.catch(() => {});
  const begun = async () => (await client.call("content.ingests", { namespace })).ingests[0];
  await waitFor(async () => (await begun())?.offset === 3 * mebibyte, { what: "three mebibytes" });
  stack.supervisor.kill("SIGKILL");
  await stack.restart();
  t.match(await begun(), { offset: 3 * mebibyte, ref: /^layer-sha256:/ }, "the first bytes are kept");

  stalls = false;
  ranges.length = 0;
  const second = client.open("images.pull", { namespace, name });
  t.equal((await second.result).image.name, name);
  t.ok(ranges.includes(`bytes=${3 * mebibyte}-`), "only the rest was requested");
  t.strictSame((await client.call("content.ingests", { namespace })).ingests, []);
});

/** Passes on the first bytes of a blob, and ends only a small one. */
function stall(upstream: string, path: string, response: ServerResponse, most: number): void {
  fetch(`http://${upstream}${path}`)
    .then(async (answer) => {
      const bytes = new Uint8Array(await answer.arrayBuffer());
      response.write(bytes.subarray(0, most));
      if (bytes.length <= most) response.end();
    })
    .catch(() => {});
}
