import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { start, waitFor } from "@gantry/testkit";
import { type Test, test } from "tap";
import { fileStack, image } from "./support/file-stack.ts";

const stack = await fileStack();
const { directory } = stack;
const lines = (text: string) => text.split("\n").filter((line) => line !== "");

test("list, check, tag, label and remove", async (t) => {
  t.match(
    await stack.ok(["images", "ls"]),
    /^REF +TYPE +DIGEST +SIZE +PLATFORMS +LABELS \n.*busybox:latest .* linux\/amd64 - +$/m,
  );
  t.match(await stack.ok(["images", "check"]), / complete \(2\/2\) .* true/);
  t.equal(await stack.ok(["images", "check", "-q"]), `${image}\n`);
  t.equal(await stack.ok(["images", "tag", image, "example.com/a:1"]), "example.com/a:1\n");
  t.match((await stack.ctr(["images", "tag", image, "example.com/a:1"])).stderr, /already exists/);
  await stack.ok(["images", "tag", "--force", image, "example.com/a:1"]);
  t.equal(await stack.ok(["images", "label", "example.com/a:1", "x=y", "z=1"]), "x=y,z=1\n");
  t.equal(await stack.ok(["images", "label", "-r", "example.com/a:1", "q=r"]), "q=r\n");
  t.equal(await stack.ok(["images", "ls", "-q", "labels.q==r"]), "example.com/a:1\n");
  const removed = await stack.ctr(["images", "rm", "example.com/a:1", "nothing"]);
  t.same([removed.code, removed.stdout], [0, "example.com/a:1\n"]);
  t.match(removed.stderr, /nothing: image not found/);
});

test("export and import; an image that is not there leaves no file", async (t) => {
  const archive = join(directory, "out.tar");
  t.equal((await stack.ctr(["images", "export", archive, "nothing"])).code, 1);
  t.notOk(existsSync(archive));
  await stack.ok(["images", "export", archive, image]);
  const listed = await stack.namespaces.run("tar", ["tf", archive]);
  t.match(listed.stdout, /^index.json$/m);
  t.match(listed.stdout, /^manifest.json$/m);
  await stack.ok(["-n", `${stack.namespace}.import`, "images", "import", archive]);
  t.equal(await stack.ok(["-n", `${stack.namespace}.import`, "images", "ls", "-q"]), `${image}\n`);
  t.match(
    (await stack.ctr(["images", "import", "/nowhere"])).stderr,
    /^ctr: open \/nowhere: no such file or directory/,
  );
  t.equal((await stack.ctr(["images", "import", join(directory, "supervisor.log")])).code, 1);

  await importCompressed(t);

  const layout = join(directory, "layout");
  await stack.namespaces.sh(`mkdir ${layout} && tar -xf ${archive} -C ${layout}`);
  const fromDirectory = ["-n", `${stack.namespace}.layout`];
  t.match(await stack.ok([...fromDirectory, "images", "import", layout]), `${image} (sha256:`);
  t.match(await stack.ok([...fromDirectory, "images", "check"]), / complete \(2\/2\) .* true/);
  const empty = join(directory, "empty");
  mkdirSync(empty);
  const refused = await stack.ctr([...fromDirectory, "images", "import", empty]);
  t.same([refused.code, refused.stdout], [1, ""]);
  t.match(refused.stderr, /^ctr: cannot load the archive: /);
});

test("mount and unmount", async (t) => {
  const target = join(directory, "mnt");
  mkdirSync(target);
  await stack.ok(["images", "mount", image, target]);
  t.match((await stack.namespaces.run("ls", [`${target}/bin`])).stdout, /^busybox$/m);
  t.equal((await stack.namespaces.run("touch", [`${target}/x`])).code, 1, "read-only");
  t.match(await stack.ok(["snapshots", "ls"]), new RegExp(`^${target} .*View`, "m"));
  await stack.ok(["images", "unmount", "--rm", target]);
  t.equal((await stack.namespaces.run("ls", [target])).stdout, "");
  t.notMatch(await stack.ok(["snapshots", "ls"]), target);
});

test("unpack and bundle: an OCI runtime runs the result", async (t) => {
  const bundle = join(directory, "bundle");
  await stack.ok(["bundle", "create", image, bundle]);
  t.same(readdirSync(bundle).sort(), ["config.json", "rootfs"]);
  t.ok(existsSync(join(bundle, "rootfs/bin/busybox")));
  t.match((await stack.ctr(["bundle", "create", image, bundle])).stderr, /is not empty/);
});

test("push and pull with a registry on loopback", async (t) => {
  const address = await freeAddress();
  const config = join(directory, "registry.yml");
  const storage = `storage: {filesystem: {rootdirectory: ${directory}/registry}}`;
  writeFileSync(config, `version: 0.1\nlog: {level: error}\n${storage}\nhttp: {addr: "${address}"}\n`);
  await using _registry = start(...stack.namespaces.enter("docker-registry", ["serve", config]));
  const isUp = async () => (await stack.namespaces.run("curl", ["-sf", `http://${address}/v2/`])).code === 0;
  await waitFor(isUp, { what: "the registry", timeoutMs: 15_000 });
  const name = `${address}/box:1`;
  const [, digest = ""] = /(sha256:\w+)/.exec(await stack.ok(["images", "ls", `name==${image}`])) ?? [];
  t.match(await stack.ok(["images", "push", name, image]), digest);
  const other = ["-n", `${stack.namespace}.pull`];
  const pulled = await stack.ok([...other, "images", "pull", "--print-chainid", name]);
  t.match(pulled, `${name}: ${digest}`);
  t.match(pulled, /^image chain ID: sha256:/m);
  t.equal(
    await stack.ok([...other, "run", "--rm", "--cgroup", `/${stack.namespace}/p1`, name, "p1", "echo", "pulled"]),
    "pulled\n",
  );
  t.match((await stack.ctr(["images", "pull", `${address}/nothing:1`])).stderr, /^ctr: .*not found/);
  await using terminal = stack.terminal(["-n", `${stack.namespace}.shown`, "images", "pull", name], { columns: 150 });
  t.equal((await terminal.ended).code, 0);
  t.match(terminal.output(), /layer-sha256:\w+: +(done|extracting|exists) +\|.*\+{20}/);
  t.notMatch(terminal.output(), /^[0-9a-f]{12}:/m, "a layer has one line");
  t.match(terminal.output(), /elapsed: [\d.]+ s +total: .*B/);
  await objectsOf(t, { name, address, digest });
  const fetched = ["-n", `${stack.namespace}.fetched`];
  await stack.ok([...fetched, "content", "fetch", name]);
  t.match(await stack.ok([...fetched, "images", "check"]), / complete \(2\/2\) .* false/);
});

/** The stack's own archive is a docker-archive, whose layer is plain. */
async function importCompressed(t: Test) {
  const old = join(directory, "busybox.tar");
  for (const [flags, type] of [
    [[], "tar"],
    [["--compress-blobs"], "tar+gzip"],
  ] as const) {
    const within = ["-n", `${stack.namespace}.${type.replace("+", "-")}`];
    const imported = await stack.ok([...within, "images", "import", ...flags, old]);
    const [, digest = ""] = /\((sha256:\w+)\)/.exec(imported) ?? [];
    const { layers } = JSON.parse(await stack.ok([...within, "content", "get", digest])) as {
      layers: { mediaType: string; digest: string }[];
    };
    t.same(
      layers.map(({ mediaType }) => mediaType),
      [`application/vnd.oci.image.layer.v1.${type}`],
    );
    const have = lines(await stack.ok([...within, "content", "ls", "-q"]));
    t.equal(have.length, 3, "manifest, configuration, layer: no plain layer is left beside the other");
    t.match(await stack.ok([...within, "images", "check"]), / complete \(2\/2\) .* true/);
  }
}

/** One object at a time, compared with what Debian's ctr fetches where it is there. */
async function objectsOf(t: Test, { name, address, digest }: { name: string; address: string; digest: string }) {
  const manifest = await stack.ok(["content", "fetch-object", name]);
  t.equal(await digestOf(manifest), `${digest}\n`, "byte for byte");
  t.equal(manifest, await stack.ok(["content", "get", digest]));
  const { config } = JSON.parse(manifest) as { config: { digest: string } };
  const configText = await stack.ok(["content", "get", config.digest]);
  t.equal(await stack.ok(["content", "fetch-object", `${address}/box`, config.digest]), configText, "a blob");
  t.equal(await stack.ok(["content", "fetch-object", name, digest, config.digest]), manifest + configText);
  const peer = await stack.namespaces.run("ctr", ["content", "fetch-object", "--plain-http", name]);
  t.same([peer.code, peer.stdout], [0, manifest], "as Debian's ctr");
  const absent = await stack.ctr(["content", "fetch-object", name, `sha256:${"0".repeat(64)}`]);
  t.same([absent.code, absent.stdout], [1, ""]);
  t.match(absent.stderr, /^ctr: cannot fetch sha256:0+ .*has no sha256:0+/);

  const blob = (await stack.ok(["content", "ingest", "object"], { stdin: "one object\n" })).trim();
  const elsewhere = `${address}/objects`;
  const type = "application/octet-stream";
  t.equal(await stack.ok(["content", "push-object", elsewhere, blob]), `Pushed ${blob} ${type}\n`);
  t.equal(await stack.ok(["content", "push-object", elsewhere, blob]), `Already there: ${blob} ${type}\n`);
  t.equal(await stack.ok(["content", "fetch-object", elsewhere, blob]), "one object\n");
  const { mediaType = "application/vnd.oci.image.manifest.v1+json" } = JSON.parse(manifest) as { mediaType?: string };
  const again = ["content", "push-object", `${address}/box:again`, digest, mediaType];
  t.equal(await stack.ok(again), `Pushed ${digest} ${mediaType}\n`);
  t.equal(await stack.ok(["content", "fetch-object", `${address}/box:again`]), manifest, "by its new tag");
  const nothing = await stack.ctr(["content", "push-object", elsewhere, `sha256:${"0".repeat(64)}`]);
  t.same([nothing.code, nothing.stdout], [1, ""]);
  t.match(nothing.stderr, /sha256:0+: not found|sha256:0+ not found|content sha256:0+/);
  await stack.ok(["content", "rm", blob]);
}

test("content: list, get, ingest, label, remove", async (t) => {
  const digests = lines(await stack.ok(["content", "ls", "-q"]));
  t.equal(digests.length, 3);
  const ingested = (await stack.ok(["content", "ingest", "--expected-size", "6", "key"], { stdin: "hello\n" })).trim();
  t.equal(ingested, "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
  t.equal(await stack.ok(["content", "get", ingested]), "hello\n");
  t.equal(await stack.ok(["content", "label", ingested, "a=b"]), "a=b\n");
  t.match(await stack.ok(["content", "ls"]), /^DIGEST\t+SIZE\tAGE\t+LABELS\n/);
  t.match(await stack.ok(["content", "ls"]), /5891b5\w+\t6B\t.*a=b/);
  const wrong = await stack.ctr(["content", "ingest", "--expected-digest", `sha256:${"0".repeat(64)}`, "bad"], {
    stdin: "x",
  });
  t.equal(wrong.code, 1);
  t.match(await stack.ok(["content", "active"]), /^REF\tSIZE\tAGE[\s\S]*^bad\t1B/m);
  t.equal(await stack.ok(["content", "edit", "--editor", "sed -i s/hello/bye/", ingested]), await digestOf("bye\n"));
  t.equal(await stack.ok(["content", "rm", ingested]), `${ingested}\n`);
  t.equal((await stack.ctr(["content", "get", ingested])).code, 1);
});

test("snapshots: prepare, mounts, commit, diff, tree, usage, label, remove", async (t) => {
  const [base = ""] = /^sha256:\w+/m.exec(await stack.ok(["snapshots", "ls"])) ?? [];
  const target = join(directory, "work");
  mkdirSync(target);
  t.match(await stack.ok(["snapshots", "prepare", "-t", target, "work", base]), /^mount -t overlay overlay /);
  const script = `${(await stack.ok(["snapshots", "mounts", target, "work"])).trim()} && echo new > ${target}/new && umount ${target}`;
  t.equal((await stack.namespaces.sh(script)).code, 0);
  t.match(await stack.ok(["snapshots", "tree"]), new RegExp(`^ ${base}\\n {2}\\\\_ work$`, "m"));
  await stack.ok(["snapshots", "commit", "done", "work"]);
  t.match(JSON.parse(await stack.ok(["snapshots", "info", "done"])), { Kind: "Committed", Name: "done", Parent: base });
  t.equal(await stack.ok(["snapshots", "label", "done", "a=b"]), "a=b\n");
  t.match(await stack.ok(["snapshots", "usage", "-b", "done"]), /^done +\d+ +\d+ +$/m);
  const layer = join(directory, "layer.tar");
  const diff = `${stack.bin}/ctr snapshots diff --media-type application/vnd.oci.image.layer.v1.tar done > ${layer}`;
  const env = { GANTRY_SUPERVISOR: `${stack.state}/supervisor.sock`, CONTAINERD_NAMESPACE: stack.namespace };
  const written = await stack.namespaces.sh(diff, { env });
  t.same([written.code, written.stderr], [0, ""]);
  t.match((await stack.namespaces.run("tar", ["tf", layer])).stdout, /^(\.\/)?new$/m);
  t.match((await stack.ctr(["snapshots", "rm", base])).stderr, /is the parent of done/);
  await stack.ok(["snapshots", "rm", "done"]);
  t.match((await stack.ctr(["snapshots", "rm", "done"])).stderr, /not found/);
});

test("leases, plugins, version, info, events", async (t) => {
  t.equal(await stack.ok(["leases", "create", "--id", "l1", "-x", "1h", "a=b"]), "l1\n");
  t.match(await stack.ok(["leases", "ls"]), /^ID +CREATED AT +LABELS[\s\S]*^l1 +\S+Z a=b,containerd.io\/gc.expire=/m);
  t.match((await stack.ctr(["leases", "create", "--id", "l1"])).stderr, /already exists/);
  t.equal(await stack.ok(["leases", "rm", "l1"]), "l1\n");
  t.match(await stack.ok(["plugins", "ls"]), /^io.containerd.snapshotter.v1 +overlayfs +linux\/amd64 +ok/m);
  t.match(await stack.ok(["version"]), /Server:\n {2}Version: {2}\S+/);
  t.match(JSON.parse(await stack.ok(["info"])), { server: { root: stack.root, state: stack.state } });
  const events = stack.start(["events", `namespace==${stack.namespace}`]);
  await waitFor(async () => {
    await stack.ok(["images", "label", image, `at=${Date.now()}`]);
    return events.stdout().includes("/images/update");
  });
  t.match(events.stdout(), new RegExp(` \\+0000 UTC ${stack.namespace} /images/update \\{"name":"${image}"`));
  events.kill("SIGTERM");
  await events.ended;
});

async function digestOf(text: string): Promise<string> {
  const { createHash } = await import("node:crypto");
  return `sha256:${createHash("sha256").update(text).digest("hex")}\n`;
}

async function freeAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return `127.0.0.1:${address.port}`;
}
