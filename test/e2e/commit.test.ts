import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { type Stack, startStack } from "../support/stack.ts";

const trimmed = (stack: Stack) => async (args: readonly string[]) => (await stack.ok(args)).trim();

for (const driver of ["overlayfs", "native"]) {
  test(`${driver}: commit makes an image of what a container changed`, async (t) => {
    await using stack = await startStack({ busybox: true, engineFlags: ["--storage-driver", driver] });
    const { client, sh } = stack;
    const ok = trimmed(stack);
    t.equal(await ok(["info", "-f", "{{.Driver}}"]), driver);
    const changes = "echo new > /made; rm /bin/vi; mkdir -p /srv/data; chmod 700 /tmp; ln -s /made /link";
    await ok(["run", "--name", "changed", "-e", "A=1", "busybox", "sh", "-c", changes]);
    const flags = ["-m", "why", "-a", "Ada", "-c", "ENV B=2", "-c", 'CMD ["cat","/link"]'];
    const id = await ok(["commit", ...flags, "changed", "team/made:1"]);
    t.match(id, /^sha256:[0-9a-f]{64}$/);
    t.equal((await client(["run", "--rm", "team/made:1"])).stdout, "new\n");
    const look = "ls /bin/vi; stat -c %a /tmp; ls -d /srv/data; echo $A$B";
    t.equal((await client(["run", "--rm", "team/made:1", "sh", "-c", look])).stdout, "700\n/srv/data\n12\n");
    t.equal(await ok(["image", "inspect", "-f", "{{.Comment}} {{.Author}}", "team/made:1"]), "why Ada");

    // Peers read it as we wrote it.
    const [archive, plain, layout] = ["made.tar", "plain", "layout"].map((name) => join(stack.directory, name));
    await ok(["save", "-o", archive as string, "team/made:1"]);
    const skopeo = `skopeo copy -q --insecure-policy docker-archive:${archive}`;
    const copied = await sh(
      `${skopeo} dir:${plain} && ${skopeo} oci:${layout}:1 && umoci unpack --image ${layout}:1 ${layout}-b`,
    );
    t.equal(copied.code, 0, copied.stderr);
    t.ok(existsSync(`${layout}-b/rootfs/made`));
    t.notOk(existsSync(`${layout}-b/rootfs/bin/vi`));
    const { layers } = JSON.parse(readFileSync(`${plain}/manifest.json`, "utf8"));
    const listed = await sh(`tar -tf ${plain}/${layers.at(-1).digest.slice(7)}`);
    const wanted = ["bin/", "bin/.wh.vi", "link", "made", "srv/", "srv/data/", "tmp/"];
    t.same(listed.stdout.trim().split("\n"), wanted, "what the container's start made is no change of its own");
    await sh(`rm -rf ${layout}-b`);
  });
}

test("commit pauses, and reports errors", async (t) => {
  await using stack = await startStack();
  const { client } = stack;
  const ok = trimmed(stack);
  await ok(["run", "-d", "--name", "web", "busybox", "sleep", "1000"]);
  await ok(["commit", "web", "web:paused"]);
  await ok(["commit", "--pause=false", "web", "web:running"]);
  t.equal(await ok(["inspect", "-f", "{{.State.Status}}", "web"]), "running");
  const before = await ok(["images", "-a", "-q", "--no-trunc"]);
  for (const [args, message] of [
    [["nobody"], /No such container: nobody/],
    [["web", "Bad:Name"], /invalid reference format/],
    [["-c", "RUN x", "web"], /"RUN x" is not a valid change command/],
    [["web", `web@sha256:${"0".repeat(64)}`], /digest/],
  ] as const) {
    const refused = await client(["commit", ...args]);
    t.equal(refused.code, 1);
    t.match(refused.stderr, message);
  }
  t.equal(await ok(["images", "-a", "-q", "--no-trunc"]), before, "a refused commit leaves nothing");
  await ok(["rm", "-f", "web"]);
});
