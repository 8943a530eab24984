import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { Box, cannotRun } from "./box.ts";

/** Security modules: their labels are set where the kernel has them, and refused where it has not. */

const skip = cannotRun() ?? false;
const parser = "/usr/sbin/apparmor_parser";

function withoutAppArmor(): string | false {
  if (skip) return skip;
  const module = "/sys/module/apparmor/parameters/enabled";
  if (!existsSync(module) || !readFileSync(module, "utf8").startsWith("Y"))
    return "needs a kernel with AppArmor, as in tools/vm";
  return existsSync(parser) ? false : `needs ${parser} (Debian: apparmor)`;
}

/** A profile that lets everything be done but writing to /tmp/denied; gone at the end. */
function profile(box: Box): { name: string } & Disposable {
  const name = `oci-runtime-test-${process.pid}`;
  const path = join(box.directory, name);
  writeFileSync(
    path,
    `profile ${name} flags=(attach_disconnected,mediate_deleted) {\n  file,\n  capability,\n  network,\n  signal,\n  deny /tmp/denied w,\n}\n`,
  );
  if (!existsSync("/sys/kernel/security/apparmor"))
    execFileSync("mount", ["-t", "securityfs", "securityfs", "/sys/kernel/security"]);
  execFileSync(parser, ["--add", "--skip-cache", path]);
  return { name, [Symbol.dispose]: () => void execFileSync(parser, ["--remove", path]) };
}

for (const noNewPrivileges of [true, false])
  test(`an AppArmor profile confines, in create and exec (noNewPrivileges ${noNewPrivileges})`, {
    skip: withoutAppArmor(),
  }, async (t) => {
    await using box = new Box();
    using confined = profile(box);
    box.configure("cat /proc/self/attr/current; echo >/tmp/denied; echo >/tmp/fine && echo wrote", (spec) => {
      spec.root = { path: "rootfs" };
      spec.process.noNewPrivileges = noNewPrivileges;
      spec.process.apparmorProfile = confined.name;
    });
    const { stdout, stderr } = await box.run();
    t.equal(stdout, `${confined.name} (enforce)\nwrote\n`, stderr);
    t.match(stderr, /can't create \/tmp\/denied: Permission denied/);
    box.configure("sleep 60");
    await using container = await box.start();
    const exec = await box.exec(container.id, "cat /proc/self/attr/current", { apparmorProfile: confined.name });
    t.equal(exec.stdout, `${confined.name} (enforce)\n`, exec.stderr);
    box.configure("true", (spec) => {
      spec.process.apparmorProfile = "no-such-profile";
    });
    await t.rejects(box.run(), { message: /ENOENT.*\(process\.apparmorProfile\)|exec .*no such file/ });
  });

test("labels that this kernel does not have are refused, all at once", { skip }, async (t) => {
  await using box = new Box();
  const { apparmor, selinux } = box.host.facts;
  box.configure("true", (spec) => {
    spec.process.selinuxLabel = "system_u:system_r:container_t:s0";
    spec.linux.mountLabel = "system_u:object_r:container_file_t:s0";
    if (!apparmor) spec.process.apparmorProfile = "docker-default";
  });
  if (selinux) return t.comment("this kernel has SELinux");
  const refused = await box.run().then(
    () => "",
    ({ message }: Error) => message,
  );
  t.match(refused, /linux\.mountLabel is "system_u.*", but SELinux is not enabled/);
  t.match(refused, /process\.selinuxLabel is "system_u.*", but SELinux is not enabled/);
  if (!apparmor) t.match(refused, /process\.apparmorProfile is "docker-default", but AppArmor is not enabled/);
});
