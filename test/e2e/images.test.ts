import { createHash } from "node:crypto";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive } from "@gantry/testkit";
import { test } from "tap";
import { fileStack } from "../support/file-stack.ts";
import { startRegistry } from "../support/registry.ts";
import { binary } from "../support/stack.ts";

const stack = await fileStack();
const { client, sh } = stack;
const registry = await startRegistry(stack);
const archive = await busyboxArchive(stack.directory);

test("load reads archives of docker and skopeo", async (t) => {
  for (const format of ["docker-archive", "oci-archive"]) {
    const file = join(stack.directory, `${format}.tar`);
    const copy = await sh(
      `skopeo copy -q --insecure-policy docker-archive:${archive} ${format}:${file}:example.org/made:${format}`,
    );
    t.equal(copy.code, 0, copy.stderr);
    const loaded = await client(["load", "-i", file]);
    t.match(loaded.stdout, new RegExp(`Loaded image: example.org/made:${format}`), loaded.stderr);
    t.equal((await client(["run", "--rm", `example.org/made:${format}`, "echo", "ok"])).stdout, "ok\n");
  }
  const gzipped = await sh(`gzip -c ${archive} > ${archive}.gz`);
  t.equal(gzipped.code, 0);
  t.match((await client(["load"], { stdin: readFileSync(`${archive}.gz`) })).stdout, /Loaded image: busybox:latest/);
});

test("pull fetches from a registry, by tag and by digest", async (t) => {
  await sh(
    `skopeo copy -q --insecure-policy --dest-tls-verify=false docker-archive:${archive} docker://${registry}/box:1`,
  );
  const pulled = await client(["pull", `${registry}/box:1`]);
  t.equal(pulled.code, 0, pulled.stderr);
  t.match(pulled.stdout, /Digest: sha256:[0-9a-f]{64}\nStatus: Downloaded newer image/);
  const digest = /Digest: (\S+)/.exec(pulled.stdout)?.[1];
  t.match((await client(["pull", `${registry}/box:1`])).stdout, /Image is up to date/);
  t.equal((await client(["run", "--rm", `${registry}/box@${digest}`, "echo", "by digest"])).stdout, "by digest\n");
  t.match((await client(["images"])).stdout, /\/box\s+1\s+[0-9a-f]{12}/);
});

test("run pulls a missing image", async (t) => {
  await sh(
    `skopeo copy -q --insecure-policy --dest-tls-verify=false docker-archive:${archive} docker://${registry}/fresh:1`,
  );
  const run = await client(["run", "--rm", `${registry}/fresh:1`, "echo", "fetched"]);
  t.equal(run.stdout, "fetched\n");
  t.match(run.stderr, /Unable to find image '.*fresh:1' locally/);
});

test("import creates an image from a root file system", async (t) => {
  const tar = join(stack.directory, "root.tar");
  await sh(
    `mkdir -p ${stack.directory}/r/bin && cp /bin/busybox ${stack.directory}/r/bin/ && tar -C ${stack.directory}/r -cf ${tar} .`,
  );
  const imported = await client(["import", "-c", 'CMD ["/bin/busybox","echo","default"]', tar, "imported:1"]);
  t.match(imported.stdout, /^sha256:[0-9a-f]{64}\n$/, imported.stderr);
  t.equal((await client(["run", "--rm", "imported:1"])).stdout, "default\n");
});

test("tag and rmi: the image is removed with its last name", async (t) => {
  await client(["tag", "imported:1", "imported:2"]);
  t.match((await client(["rmi", "imported:1"])).stdout, /Untagged: imported:1/);
  t.match((await client(["rmi", "imported:2"])).stdout, /Untagged: imported:2\nDeleted: sha256:/);
  t.not((await client(["image", "inspect", "imported:2"])).code, 0);
});

test("an image in use is not removed", async (t) => {
  await client(["import", join(stack.directory, "root.tar"), "held:1"]);
  await client(["create", "--name", "holder", "held:1", "/bin/busybox"]);
  const refused = await client(["rmi", "held:1"]);
  t.equal(refused.code, 1);
  t.match(refused.stderr, /conflict.*(using its|is using)/s);
  await client(["rm", "holder"]);
  t.equal((await client(["rmi", "held:1"])).code, 0);
});

test("the message for a missing image names it", async (t) => {
  const missing = await client(["pull", `${registry}/no/such:thing`]);
  t.equal(missing.code, 1);
  t.match(missing.stderr, /no\/such.*(not found|manifest unknown)/i);
  const refused = await client(["pull", "127.0.0.1:5999/x:y"]);
  t.equal(refused.code, 1);
  t.match(refused.stderr, /127\.0\.0\.1:5999.*(refused|ECONNREFUSED)/i);
  t.match((await client(["pull", "upper/CASE"])).stderr, /invalid reference format|must be lowercase/);
});

test("corrupt archives are refused and leave nothing", async (t) => {
  const before = (await client(["images", "-q"])).stdout;
  const cut = join(stack.directory, "cut.tar");
  writeFileSync(cut, readFileSync(archive));
  truncateSync(cut, 300_000);
  const text = join(stack.directory, "text.tar");
  writeFileSync(text, "this is no archive");
  for (const file of [cut, text]) {
    const result = await client(["load", "-i", file]);
    t.equal(result.code, 1, file);
    t.match(result.stderr, /\S/);
  }
  t.equal((await client(["images", "-q"])).stdout, before);
});

test("a layer with a wrong digest is refused", async (t) => {
  await sh(
    `skopeo copy -q --insecure-policy --dest-tls-verify=false docker-archive:${archive} docker://${registry}/bad:1`,
  );
  const found = await sh(
    `grep -rl --include=data . ${stack.directory}/registry/docker/registry/v2/blobs | xargs ls -S | head -1`,
  );
  const blob = found.stdout.trim();
  const bytes = readFileSync(blob);
  const good = createHash("sha256").update(bytes).digest("hex");
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0xff;
  writeFileSync(blob, bytes);
  // Nothing of it may be here already, so that the layer is really fetched.
  const ids = (await client(["images", "-aq", "--no-trunc"])).stdout.trim().split("\n");
  t.equal((await client(["rmi", "-f", ...new Set(ids)])).code, 0);
  const result = await client(["pull", `${registry}/bad:1`]);
  t.equal(result.code, 1);
  t.match(result.stderr, new RegExp(`${good.slice(0, 12)}|digest`));
  t.equal((await client(["images", "-q"])).stdout, "");
});

test("push stores an image in a registry, where skopeo and run find it", async (t) => {
  await client(["load", "-i", archive]);
  await client(["tag", "busybox", `${registry}/pushed:1`]);
  const pushed = await client(["push", `${registry}/pushed:1`]);
  t.equal(pushed.code, 0, pushed.stderr);
  const layer = "[0-9a-f]{12}";
  const expected = `The push refers to repository \\[${registry}/pushed\\]\n${layer}: Preparing\n${layer}: (Pushed|Mounted from \\S+)\n`;
  t.match(pushed.stdout, new RegExp(`^${expected}1: digest: sha256:[0-9a-f]{64} size: \\d+\n$`));
  const digest = /digest: (\S+)/.exec(pushed.stdout)?.[1];
  const inspect = `skopeo inspect --tls-verify=false --format {{.Digest}} docker://${registry}/pushed:1`;
  t.equal((await sh(inspect)).stdout.trim(), digest);
  t.match((await client(["push", `${registry}/pushed:1`])).stdout, /: Layer already exists\n/);
  t.match((await client(["inspect", "-f", "{{.RepoDigests}}", `${registry}/pushed:1`])).stdout, `pushed@${digest}`);
  t.equal((await client(["rmi", `${registry}/pushed:1`])).code, 0);
  t.equal((await client(["run", "--rm", `${registry}/pushed:1`, "echo", "back"])).stdout, "back\n");
});

test("an image whose name an archive takes becomes dangling; nameless images stay apart", async (t) => {
  const root = join(stack.directory, "root.tar");
  await client(["import", "-m", "first", root, "example.org/moving:1"]);
  const idOf = async (name: string) => (await client(["inspect", "-f", "{{.Id}}", name])).stdout.trim();
  const first = await idOf("example.org/moving:1");
  const file = join(stack.directory, "moving.tar");
  await sh(`skopeo copy -q --insecure-policy docker-archive:${archive} docker-archive:${file}:example.org/moving:1`);
  await client(["create", "--name", "of-first", "example.org/moving:1", "/bin/busybox", "true"]);
  t.equal((await client(["load", "-i", file])).code, 0);
  t.not(await idOf("example.org/moving:1"), first);
  const dangling = async () =>
    (await client(["images", "-f", "dangling=true", "-q", "--no-trunc"])).stdout.split("\n").filter(Boolean);
  t.ok((await dangling()).includes(first));
  const shown = (await client(["ps", "-a", "--format", "{{.Names}} {{.Image}}"])).stdout;
  t.match(shown, `of-first ${first.slice(7, 19)}\n`);
  await client(["rm", "of-first"]);
  t.match((await client(["rmi", first])).stdout, `Deleted: ${first}`);
  t.notOk((await dangling()).includes(first));

  const before = (await dangling()).length;
  const parts = join(stack.directory, "two");
  const made = await sh(`
    mkdir -p ${parts} && cd ${parts} && tar xf ${archive} && layer=$(echo */layer.tar) && config=$(ls | grep 'json$' | grep -v manifest) &&
    sed 's/"config":{/"config":{"User":"daemon",/' $config > other.json && ! cmp -s $config other.json &&
    echo "[{\\"Config\\":\\"$config\\",\\"Layers\\":[\\"$layer\\"]},{\\"Config\\":\\"other.json\\",\\"Layers\\":[\\"$layer\\"]}]" > manifest.json &&
    tar cf ../two.tar .`);
  t.equal(made.code, 0, made.stderr);
  const loaded = await client(["load", "-i", join(stack.directory, "two.tar")]);
  const ids = [...loaded.stdout.matchAll(/Loaded image ID: (sha256:[0-9a-f]{64})/g)].map(([, id]) => id ?? "");
  t.equal(new Set(ids).size, 2, loaded.stdout + loaded.stderr);
  for (const id of ids) t.equal((await client(["run", "--rm", id, "echo", "ok"])).stdout, "ok\n", id);
  t.equal((await dangling()).length - before, 1, "the first of them is busybox:latest, too");
  await client(["rmi", ids[1] ?? ""]);
});

test("load reads archives of save; history lists the steps", async (t) => {
  await client(["load", "-q", "-i", archive]);
  await client(["tag", "busybox", "example.org/saved:1"]);
  await client(["tag", "busybox", "example.org/saved:2"]);
  const file = join(stack.directory, "saved.tar");
  t.match(await client(["save", "-o", file, "example.org/saved", "busybox:latest"]), {
    code: 0,
    stdout: "",
    stderr: "",
  });
  const piped = await sh(`${binary("client")} -H ${stack.host} save busybox:latest | tar -xO manifest.json`);
  t.match(piped.stdout, '"RepoTags":["busybox:latest"]', piped.stderr);
  await client(["rmi", "example.org/saved:1", "example.org/saved:2"]);
  t.strictSame((await client(["load", "-i", file])).stdout.split("\n").filter(Boolean).sort(), [
    "Loaded image: busybox:latest",
    "Loaded image: example.org/saved:1",
    "Loaded image: example.org/saved:2",
  ]);
  const missing = await client(["save", "-o", join(stack.directory, "none.tar"), "busybox", "nosuch:1"]);
  t.match(missing, { code: 1, stderr: /No such image: nosuch:1/ });
  t.not((await sh(`ls ${stack.directory}/none.tar`)).code, 0, "nothing is left of it");
  const history = (await client(["history", "busybox"])).stdout.split("\n");
  t.match(history[0], /^IMAGE +CREATED +CREATED BY +SIZE +COMMENT/);
  t.match(history[1], /^[0-9a-f]{12} .*MB/);
  t.equal(history.length, 3, "one layer");
});
