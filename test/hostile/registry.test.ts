import { readdirSync } from "node:fs";
import { join } from "node:path";
import { busyboxLayer, layerTar, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { fileStack } from "../support/file-stack.ts";
import { privateMemory, supervisorOf } from "./raw-peer.ts";

const stack = await fileStack({ busybox: false });
const { client } = stack;
const host = "127.0.0.1:5007";
const server = stack.startProcess(process.execPath, [join(import.meta.dirname, "registry-server.ts"), "5007"]);
server.child.stdin?.end(await layerTar(busyboxLayer()));
await waitFor(() => server.stdout() === "ready\n", { what: `the registry ${server.stderr()}` });

/** repository → what the error must say. */
const lies: Readonly<Record<string, RegExp>> = {
  "no-json": /not JSON/,
  "other-type": /is not an image: it is of type text\/html/,
  "other-shape": /schemaVersion/,
  "endless-manifest": /larger than 4194304 bytes/,
  "cut-manifest": /was cut/,
  "wrong-digest": /wrong digest/,
  "wrong-size": /wrong size/,
  "too-much": /wrong size/,
  "endless-blob": /wrong size/,
  "cut-blob": /was cut/,
  "no-blob": /lacks sha256:/,
  "broken-blob": /status 500/,
  broken: /status 503/,
  teapot: /status 418/,
  circle: /redirect/,
  "blob-circle": /redirect/,
  elsewhere: /scheme|cannot reach|protocol/i,
  nowhere: /refused/,
  "auth-circle": /denied/,
  "auth-nonsense": /denied|realm/,
  "no-token": /gives no token/,
};

for (const [repository, message] of Object.entries(lies)) {
  test(`pull from a registry that lies: ${repository}`, async (t) => {
    const before = privateMemory(supervisorOf(stack));
    const { code, stderr } = await client(["pull", "-q", `${host}/${repository}:1`], { timeoutMs: 25_000 });
    t.equal(code, 1);
    t.match(stderr, message);
    t.match(stderr, /^[^\n]{20,500}\n$/, `one sentence: ${stderr.trim()}`);
    t.match(stderr, repository, "it names the image");
    t.same(left(), [], "nothing is left");
    const grown = privateMemory(supervisorOf(stack)) - before;
    t.ok(grown < 100_000, `${grown} KiB`);
  });
}

test("a pull from a slow registry is given up with its client", async (t) => {
  const pull = stack.start(["pull", `${host}/slow:1`]);
  await waitFor(() => left().length > 0, { what: "bytes come" });
  pull.kill("SIGINT");
  await pull.ended;
  await waitFor(() => left().length === 0, { what: "nothing is left" });
  t.pass();
});

test("the same registry's honest image is pulled and runs", async (t) => {
  const { code, stderr } = await client(["run", "--rm", `${host}/honest:1`, "echo", "honest"]);
  t.equal(code, 0, stderr);
});

/** Everything that the supervisor keeps of images. */
function left(): string[] {
  const root = join(stack.root, "supervisor");
  return ["ingest", "blobs/sha256", "snapshots"].flatMap((path) =>
    readdirSync(join(root, path)).filter((name) => name !== ".removing"),
  );
}
