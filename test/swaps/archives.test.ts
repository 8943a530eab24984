import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { requires, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { fileStack } from "../support/file-stack.ts";
import { type Host, peerHost } from "../support/stack.ts";

const stack = await fileStack();
const { client } = stack;
const scratch = stack.directory;

interface Inspected {
  readonly Id: string;
  readonly RepoTags: readonly string[];
  readonly RootFS: { readonly Layers: readonly string[] };
}

async function inspect(name: string): Promise<Inspected> {
  const result = await client(["image", "inspect", name]);
  if (result.code !== 0) throw new Error(result.stderr);
  return JSON.parse(result.stdout)[0];
}

async function save(file: string, ...names: string[]): Promise<string> {
  const path = join(scratch, file);
  const saved = await client(["save", "-o", path, ...names]);
  if (saved.code !== 0) throw new Error(saved.stderr);
  return path;
}

async function load(path: string): Promise<string> {
  const loaded = await client(["load", "-i", path]);
  if (loaded.code !== 0) throw new Error(`${path}: ${loaded.stderr}`);
  return loaded.stdout;
}

async function ok(host: Pick<Host, "sh">, command: string): Promise<string> {
  const result = await host.sh(command);
  if (result.code !== 0) throw new Error(`${command}: ${result.stderr}${result.stdout}`);
  return result.stdout;
}

/** An image of two layers whose second one is compressed by zstd, as no docker-archive of Docker 20.10 can have it. */
async function zstdImage(): Promise<string> {
  const root = join(scratch, "zstd");
  mkdirSync(join(root, "bin"), { recursive: true });
  await ok(
    stack,
    `cp /bin/busybox ${root}/bin/ && ln -s busybox ${root}/bin/echo && tar -C ${root} --zstd -cf ${root}.tar.zst .`,
  );
  const imported = await client(["import", "-c", 'CMD ["/bin/echo","zstd"]', `${root}.tar.zst`, "example.org/zstd:1"]);
  if (imported.code !== 0) throw new Error(imported.stderr);
  return "example.org/zstd:1";
}

test("docker's archives are loaded, and docker loads archives of save", async (t) => {
  if (!requires(t, "tool:dockerd", "tool:containerd")) return;
  await using host = await peerHost("archives-docker");
  const socket = `unix://${host.directory}/d.sock`;
  const place = ["--data-root", `${host.directory}/root`, "--exec-root", `${host.directory}/exec`];
  host.startProcess("dockerd", ["-H", socket, ...place, "--pidfile", `${host.directory}/pid`]);
  const docker = `/usr/bin/docker -H ${socket}`;
  await waitFor(async () => (await host.sh(`${docker} version`)).code === 0, { timeoutMs: 60_000, what: "dockerd" });
  const dockerId = async (name: string) => (await ok(host, `${docker} image inspect -f '{{.Id}}' ${name}`)).trim();

  t.match(await ok(host, `${docker} load -i ${await save("box.tar", "busybox")}`), "Loaded image: busybox:latest");
  t.equal(await dockerId("busybox"), (await inspect("busybox")).Id);
  const change = "rm /bin/ls; ln /bin/busybox /bin/hard; mkfifo /pipe; echo two > /two";
  await ok(host, `${docker} run --name two --network none busybox sh -c '${change}'`);
  await ok(host, `${docker} commit -c 'CMD ["cat", "/two"]' two two:1 && ${docker} tag two:1 example.org/two:also`);
  const saved = join(host.directory, "two.tar");
  await ok(host, `${docker} save -o ${saved} two:1 example.org/two:also busybox:latest`);
  const id = await dockerId("two:1");
  t.strictSame((await load(saved)).split("\n").sort(), [
    "",
    "Loaded image: busybox:latest",
    "Loaded image: example.org/two:also",
    "Loaded image: two:1",
  ]);
  const two = await inspect("two:1");
  t.equal(two.Id, id);
  t.strictSame([...two.RepoTags].sort(), ["example.org/two:also", "two:1"]);
  t.equal((await client(["run", "--rm", "two:1"])).stdout, "two\n");
  t.equal((await client(["run", "--rm", "two:1", "sh", "-c", "test -p /pipe && ! test -e /bin/ls"])).code, 0);

  const zstd = await zstdImage();
  const both = await save("both.tar", "two", zstd);
  const plain = await save("plain.tar", "two:1", "example.org/two:also", "busybox");
  await ok(host, `${docker} rm two && ${docker} rmi -f ${id} busybox`);
  t.match(await ok(host, `${docker} load -i ${plain}`), /Loaded image: two:1/);
  t.equal(await dockerId("example.org/two:also"), id);
  t.equal(await ok(host, `${docker} run --rm --network none two:1`), "two\n");
  await ok(host, `${docker} load -i ${both}`);
  t.equal(await dockerId(zstd), (await inspect(zstd)).Id, "layers that it cannot read are written plain");
  t.equal(await ok(host, `${docker} run --rm --network none ${zstd}`), "zstd\n");
  await ok(host, `${docker} rmi -f ${id}`);
  t.match(await ok(host, `${docker} load < ${await save("nameless.tar", id.slice(7, 19))}`), `Loaded image ID: ${id}`);
});

test("podman's archives are loaded, and podman loads archives of save", async (t) => {
  if (!requires(t, "tool:podman")) return;
  await using host = await peerHost("archives-podman");
  mkdirSync(join(host.directory, "run"));
  const place = `--root ${host.directory}/root --runroot ${host.directory}/run --storage-driver vfs`;
  const podman = `podman ${place} --cgroup-manager cgroupfs --events-backend file`;
  const { Id: id } = await inspect("busybox");
  await client(["tag", "busybox", "example.org/named/box:7"]);
  await ok(host, `${podman} load -q -i ${await save("podman.tar", "example.org/named/box:7")}`);
  const named = "example.org/named/box:7";
  t.equal((await ok(host, `${podman} image inspect -f '{{.Id}}' ${named}`)).trim(), id.slice(7));
  await ok(host, `${podman} tag ${named} example.org/other:1`);
  await client(["rmi", named]);
  for (const [file, flags, names] of [
    ["docker", "--format docker-archive", `${named}`],
    ["oci", "--format oci-archive", `${named}`],
    ["several", "-m --format docker-archive", `${named} example.org/other:1`],
    ["layout", "--format oci-dir", `${named}`],
  ] as const) {
    const path = join(host.directory, `${file}.saved`);
    await ok(host, `${podman} save -q ${flags} -o ${path} ${names}`);
    if (file === "layout") await ok(host, `tar -C ${path} -cf ${path}.tar .`);
    const said = await load(file === "layout" ? `${path}.tar` : path);
    for (const name of names.split(" ")) t.match(said, `Loaded image: ${name}\n`, file);
    const loaded = await inspect(named);
    t.strictSame(loaded.RootFS.Layers, (await inspect("busybox")).RootFS.Layers, file);
    t.equal((await client(["run", "--rm", named, "echo", file])).stdout, `${file}\n`);
    await client(["rmi", ...names.split(" ")]);
  }
});

test("containerd's exports are loaded, and containerd imports archives of save", async (t) => {
  if (!requires(t, "tool:containerd", "tool:ctr")) return;
  await using host = await peerHost("archives-containerd");
  const { directory } = host;
  writeFileSync(
    join(directory, "config.toml"),
    `version = 2\nroot = "${directory}/root"\nstate = "${directory}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  address = "${directory}/c.sock"\n`,
  );
  host.startProcess("containerd", ["-c", join(directory, "config.toml")]);
  const ctr = `ctr -a ${directory}/c.sock`;
  await waitFor(async () => (await host.sh(`${ctr} version`)).code === 0, { timeoutMs: 30_000, what: "containerd" });
  await client(["tag", "busybox", "example.org/box:a"]);
  await client(["tag", "busybox", "example.org/box:b"]);
  await ok(host, `${ctr} images import ${await save("ctr.tar", "example.org/box")}`);
  t.match(await ok(host, `${ctr} images ls -q`), "example.org/box:a\nexample.org/box:b\n");
  const target = (name: string) => ok(host, `${ctr} images ls name==${name} | awk 'NR==2 {print $3}'`);
  const digest = (await target("example.org/box:a")).trim();
  const run = await host.sh(`${ctr} run --rm example.org/box:a one echo ran`);
  t.equal(run.stdout, "ran\n", run.stderr);

  await client(["rmi", "example.org/box:a", "example.org/box:b"]);
  const exported = join(directory, "exported.tar");
  await ok(host, `${ctr} images export ${exported} example.org/box:a example.org/box:b`);
  t.match(await load(exported), "Loaded image: example.org/box:a\nLoaded image: example.org/box:b\n");
  t.equal((await inspect("example.org/box:a")).Id, (await inspect("busybox")).Id);
  const again = readFileSync(await save("again.tar", "example.org/box:a")).toString("latin1");
  t.match(again, digest, "its manifest went round unchanged");
});

test("skopeo and umoci read archives of save", async (t) => {
  if (!requires(t, "tool:skopeo", "tool:umoci")) return;
  const file = await save("tools.tar", "busybox");
  const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
  t.equal(
    hash(readFileSync(await save("tools-again.tar", "busybox"))),
    hash(readFileSync(file)),
    "the same bytes again",
  );
  const { Id, RootFS } = await inspect("busybox");
  for (const source of [`docker-archive:${file}`, `oci-archive:${file}:latest`]) {
    const copied = join(scratch, source.split(":")[0] ?? "");
    await ok(stack, `skopeo copy -q --insecure-policy ${source} oci:${copied}:latest`);
    t.match(await ok(stack, `skopeo inspect --config --raw oci:${copied}:latest`), RootFS.Layers[0] ?? "none", source);
  }
  const layout = join(scratch, "layout");
  await ok(
    stack,
    `mkdir ${layout} && tar -xf ${file} -C ${layout} && umoci unpack --image ${layout}:latest ${layout}.bundle`,
  );
  t.equal(await ok(stack, `chroot ${layout}.bundle/rootfs /bin/busybox echo unpacked`), "unpacked\n");
  t.match(await ok(stack, `umoci stat --image ${layout}:latest --json`), "history");
  t.match(await ok(stack, `cat ${layout}/index.json ${layout}/manifest.json`), Id.slice(7));
  // The image to which umoci added a layer is read again.
  const note = join(scratch, "note");
  writeFileSync(note, "inserted\n");
  await ok(stack, `umoci insert --image ${layout}:latest ${note} /note && tar -C ${layout} -cf ${layout}.tar .`);
  await load(`${layout}.tar`);
  t.equal((await client(["run", "--rm", "busybox", "cat", "/note"])).stdout, "inserted\n");
});
