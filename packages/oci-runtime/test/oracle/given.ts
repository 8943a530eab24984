import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { cannotRun, Runtime } from "./runtime.ts";

/** The environment of the container's process: rights, mounts, a filter, descriptors. */
export function given(program: string): void {
  const skip = cannotRun(program) ?? false;

  test("capabilities, user, limits, directory, umask, host name", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure(
      "grep -E '^(Cap|NoNew)' /proc/self/status; id -u; id -g; ulimit -n; pwd; umask; hostname",
      (config) => {
        const names = ["CAP_CHOWN", "CAP_KILL"];
        config.process["capabilities"] = { bounding: names, effective: names, permitted: names };
        config.process["user"] = { uid: 0, gid: 7, umask: 0o27 };
        config.process["cwd"] = "/tmp";
        config.process["rlimits"] = [{ type: "RLIMIT_NOFILE", soft: 111, hard: 222 }];
        config["hostname"] = "oracle";
      },
    );
    const { stdout } = await runtime.cli("run", runtime.newId());
    const set = "0000000000000021";
    t.equal(
      stdout,
      `CapInh:\t0000000000000000\nCapPrm:\t${set}\nCapEff:\t${set}\nCapBnd:\t${set}\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n0\n7\n111\n/tmp\n0027\noracle\n`,
    );
  });

  test("mounts: bind, read-only, tmpfs, masked and read-only paths", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    const source = join(runtime.directory, "source");
    mkdirSync(source);
    writeFileSync(join(source, "file"), "bound\n");
    const script =
      "cat /bound/file; echo x > /bound/new || echo refused; echo y > /t/f && cat /t/f; head -c1 /proc/kcore | wc -c; echo 1 > /proc/sys/kernel/panic || echo kept";
    runtime.configure(`(${script}) 2>/dev/null`, (config) => {
      config.mounts.push(
        { destination: "/bound", type: "bind", source, options: ["rbind", "ro"] },
        { destination: "/t", type: "tmpfs", source: "tmpfs", options: ["size=64k"] },
      );
    });
    t.equal((await runtime.cli("run", runtime.newId())).stdout, "bound\nrefused\ny\n0\nkept\n");
    t.notOk(existsSync(join(source, "new")));
  });

  const without = skip || withoutCoveredMode(program);
  test("a tmpfs without a mode keeps that of the directory that it covers", { skip: without }, async (t) => {
    await using runtime = new Runtime(program);
    for (const name of ["plain", "copy"]) {
      mkdirSync(join(runtime.bundle, "rootfs", name));
      chmodSync(join(runtime.bundle, "rootfs", name), 0o750);
    }
    runtime.configure("stat -c '%a %u:%g' /plain /copy /new", (config) => {
      for (const [name, options] of [
        ["plain", []],
        ["copy", ["tmpcopyup"]],
        ["new", []],
      ] as const)
        config.mounts.push({ destination: `/${name}`, type: "tmpfs", source: "tmpfs", options: [...options] });
    });
    t.equal((await runtime.cli("run", runtime.newId())).stdout, "750 0:0\n750 0:0\n1777 0:0\n");
  });

  test("seccomp refuses a system call with the errno that is asked for", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("mkdir /tmp/x 2>&1; echo $?", (config) => {
      const syscalls = [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 }];
      config.linux["seccomp"] = { defaultAction: "SCMP_ACT_ALLOW", syscalls };
    });
    t.match((await runtime.cli("run", runtime.newId())).stdout, /No space left on device\n1\n/);
  });

  test("descriptors: the requested ones and no others", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("ls /proc/self/fd; cat <&3");
    const file = join(runtime.directory, "kept");
    writeFileSync(file, "kept\n");
    const { stdout } = await runtime.sh(`r run --preserve-fds 1 ${runtime.newId()} 3<${file} 9<${file}`);
    t.match(stdout, /kept\n$/);
    t.equal(stdout.trim().split("\n").length, 6, "0 to 3, the directory, and what is in the file");
  });
}

/** crun mounts a tmpfs with the kernel's mode, whatever it covers. */
function withoutCoveredMode(program: string): string | false {
  return program.endsWith("/crun") ? "crun does not keep the mode of a directory that a tmpfs covers" : false;
}
