import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { busyboxArchive, requires, run, tempDir } from "../src/index.ts";

test("the busybox archive holds a root file system that runs", async (t) => {
  if (!requires(t, "root", "file:/bin/busybox")) return;
  await using directory = tempDir("image");
  const archive = await busyboxArchive(directory.path);
  await run("tar", ["-xf", archive, "-C", directory.path]);
  const [manifest] = JSON.parse(readFileSync(join(directory.path, "manifest.json"), "utf8"));
  t.same(manifest.RepoTags, ["busybox:latest"]);
  const config = JSON.parse(readFileSync(join(directory.path, manifest.Config), "utf8"));
  t.match(config, {
    os: "linux",
    architecture: /^(amd64|arm64)$/,
    config: { Cmd: ["sh"] },
    rootfs: { type: "layers" },
  });
  const root = join(directory.path, "root");
  await run("mkdir", [root]);
  await run("tar", ["-xf", join(directory.path, manifest.Layers[0]), "-C", root]);
  const { stdout } = await run(
    "chroot",
    [root, "sh", "-c", "id -un; ls -d /tmp; echo x | sed s/x/y/; /usr/bin/env true && stat -c %a /tmp"],
    {
      env: { PATH: "/bin:/usr/sbin" },
    },
  );
  t.equal(stdout, "root\n/tmp\ny\n1777\n");
});

test("the same machine always gives the same bytes", async (t) => {
  if (!requires(t, "file:/bin/busybox")) return;
  await using one = tempDir("image");
  await using two = tempDir("image");
  const archives = await Promise.all([one, two].map(({ path }) => busyboxArchive(path)));
  const [first, second] = archives.map((path) => readFileSync(path)) as [Buffer, Buffer];
  t.ok(first.equals(second));
});
