import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { Box, cannotRun } from "./box.ts";

const skip = cannotRun() ?? false;

test("a tmpfs without a mode is like the directory that it covers", { skip }, async (t) => {
  await using box = new Box();
  const make = (name: string) => {
    mkdirSync(join(box.rootfs, name));
    chownSync(join(box.rootfs, name), 33, 44);
    chmodSync(join(box.rootfs, name), 0o2750);
  };
  const mounts: Readonly<Record<string, readonly [options: string[], looks: string]>> = {
    plain: [["size=64k"], "2750 33:44"],
    copy: [["tmpcopyup"], "2750 33:44"],
    readonly: [["ro"], "2750 33:44"],
    mode: [["mode=1700"], "1700 0:0"],
    copymode: [["tmpcopyup", "mode=711"], "711 0:0"],
    owner: [["uid=7"], "2750 7:44"],
    all: [["mode=700", "uid=7", "gid=8"], "700 7:8"],
  };
  for (const name of Object.keys(mounts)) make(name);
  writeFileSync(join(box.rootfs, "copy/file"), "copied\n");
  symlinkSync("plain", join(box.rootfs, "link"));
  const names = [...Object.keys(mounts), "link", "new"];
  box.configure(`cd /; stat -L -c '%n %a %u:%g' ${names.join(" ")}; cat copy/file`, (spec) => {
    spec.root = { path: "rootfs" };
    for (const name of names)
      spec.mounts.push({ destination: `/${name}`, type: "tmpfs", source: "tmpfs", options: mounts[name]?.[0] ?? [] });
  });
  const expected = Object.entries(mounts).map(([name, [, looks]]) => `${name} ${looks}`);
  t.equal(
    (await box.run()).stdout,
    [...expected, "link 2750 33:44", "new 1777 0:0", "copied", ""].join("\n"),
    "one that is made for the mount is everybody's, as mount(8) has it",
  );
});

test("an owner without an id in the user namespace is replaced by its root", { skip }, async (t) => {
  await using box = new Box();
  chmodSync(box.directory, 0o711);
  for (const [name, owner] of [
    ["mapped", 100_033],
    ["stranger", 33],
  ] as const) {
    mkdirSync(join(box.rootfs, name));
    chownSync(join(box.rootfs, name), owner, owner);
    chmodSync(join(box.rootfs, name), 0o750);
  }
  box.configure("stat -c '%n %a %u:%g' /mapped /stranger", (spec) => {
    spec.linux.namespaces?.push({ type: "user" });
    const mappings = [{ containerID: 0, hostID: 100_000, size: 1000 }];
    Object.assign(spec.linux, { uidMappings: mappings, gidMappings: mappings });
    for (const destination of ["/mapped", "/stranger"])
      spec.mounts.push({ destination, type: "tmpfs", source: "tmpfs" });
  });
  t.equal((await box.run()).stdout, "/mapped 750 33:33\n/stranger 750 0:0\n");
});
