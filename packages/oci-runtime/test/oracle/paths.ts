import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { type Config, cannotRun, Runtime, unlikeRunc } from "./runtime.ts";

/** Paths that a container's root does not have yet, and that several containers make. */
export function paths(program: string): void {
  const skip = cannotRun(program) || unlikeRunc(program);

  test("paths to be made may end in a slash, and hold two slashes or ..", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    const source = makeSource(runtime);
    const rootfs = join(runtime.bundle, "rootfs");
    for (const [name, target] of [
      ["to-directory", "below//made/"],
      ["to-tmpfs", "/below/tmpfs/"],
      ["to-file", "/below/../below/file"],
    ] as const)
      symlinkSync(target, join(rootfs, name));
    const look =
      "pwd; cat /a/b/file /a/d/file /to-directory/file /to-file; ls -d /below/made /below/file; cat /proc/mounts";
    for (const cwd of ["/app/", "/app//deep//er/", "/app/./x/../y/", "/app/missing/../z"]) {
      runtime.configure(look, (config) => {
        config.process["cwd"] = cwd;
        config.mounts.push(
          { destination: "/a//b/", type: "bind", source, options: ["bind"] },
          { destination: "/a/c/../d/./", type: "bind", source, options: ["bind"] },
          { destination: "/to-directory", type: "bind", source, options: ["bind"] },
          { destination: "/to-tmpfs/", type: "tmpfs", source: "tmpfs" },
          { destination: "/to-file/", type: "bind", source: join(source, "file"), options: ["bind"] },
        );
      });
      const { stdout, stderr } = await runtime.cli("run", runtime.newId());
      const expected = `${join(cwd).replace(/\/$/, "")}\n${"bound\n".repeat(4)}/below/file\n/below/made\n`;
      t.equal(stdout.slice(0, expected.length), expected, stderr);
      for (const target of ["/a/b", "/a/d", "/below/made", "/below/tmpfs", "/below/file"])
        t.ok(stdout.includes(` ${target} `), `mounted at ${target}`);
    }
  });

  test("device paths may hold two slashes or ..", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("stat -c '%F %t %T' /dev/one /dev/sub/two", (config) => {
      config.linux["devices"] = [
        { path: "/dev//one", type: "c", major: 1, minor: 3, fileMode: 0o600, uid: 0, gid: 0 },
        { path: "/dev/sub/../sub/two", type: "c", major: 1, minor: 5, fileMode: 0o600, uid: 0, gid: 0 },
      ];
    });
    const { stdout, stderr } = await runtime.cli("run", runtime.newId());
    t.equal(stdout, "character special file 1 3\ncharacter special file 1 5\n", stderr);
  });

  test("containers that share a root make the same mount points, files and devices at once", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    const source = makeSource(runtime);
    symlinkSync("linked/file", join(runtime.bundle, "rootfs/link"));
    runtime.configure("cat /new/dir/file /new/file /link; ls /dev /dev/sub", (config) => shareRoot(config, source));
    const runs = Array.from({ length: 12 }, () => runtime.cli("run", runtime.newId()));
    for (const { code, stdout, stderr } of await Promise.all(runs)) {
      t.equal(code, 0, stderr);
      t.match(stdout, /^bound\nbound\nbound\n[\s\S]*^null$[\s\S]*^own$/m);
    }
    t.same(
      readdirSync(join(runtime.bundle, "rootfs/dev")).filter((name) => name.startsWith(".")),
      [],
      "nothing is left",
    );
  });
}

function makeSource({ directory }: Runtime): string {
  const source = join(directory, "source");
  mkdirSync(source);
  writeFileSync(join(source, "file"), "bound\n");
  return source;
}

/** Mounts and devices that are made in the root file system itself: no file system of the container's own covers /dev. */
export function shareRoot(config: Pick<Config, "mounts" | "linux">, source: string): void {
  config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith("/dev"));
  config.mounts.push(
    { destination: "/new/dir", type: "bind", source, options: ["bind"] },
    { destination: "/new/file", type: "bind", source: join(source, "file"), options: ["bind"] },
    { destination: "/link", type: "bind", source: join(source, "file"), options: ["bind"] },
  );
  config.linux["devices"] = [{ path: "/dev/sub/own", type: "c", major: 1, minor: 3, fileMode: 0o666, uid: 0, gid: 0 }];
}
