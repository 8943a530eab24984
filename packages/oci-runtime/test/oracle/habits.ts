import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startTerminal, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { cannotRun, cgroupFile, isRunc, olderRunc, Runtime, unlikeRunc } from "./runtime.ts";

const runc = "/usr/sbin/runc";

/** Habits that users of runc rely on: endings, newlines, the example configuration, one line an error. */
export function habits(program: string): void {
  endings(program);
  foreground(program);
  commands(program);
  refusals(program);
}

function endings(program: string): void {
  const skip = cannotRun(program) ?? unlikeRunc(program);

  test("a created container is ended by a signal that ends processes", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000");
    // runc's Go runtime ignores the others while it waits.
    const more = isRunc(program) ? [] : ["USR1", "ALRM", "SEGV", "64"];
    for (const signal of ["TERM", "HUP", "INT", "QUIT", ...more]) {
      const id = runtime.newId();
      const made = await runtime.sh(`r create ${id} >out 2>&1 </dev/null || cat out`);
      t.equal(made.stdout, "");
      t.equal((await runtime.cli("kill", id, signal)).code, 0, signal);
      await waitFor(async () => (await runtime.status(id)) === "stopped", { what: `${signal} to end it` });
      t.equal((await runtime.cli("delete", id)).code, 0);
    }
  });

  test("KILL without a pid namespace ends every process of the cgroup, also once the first is gone", {
    skip: skip || olderRunc(program, 1.2),
  }, async (t) => {
    await using runtime = new Runtime(program);
    for (const gone of [false, true]) {
      runtime.configure("sleep 1000 & sleep 1001 & exec sleep 1002", (config) => {
        const namespaces = config.linux["namespaces"] as { type: string }[];
        config.linux["namespaces"] = namespaces.filter(({ type }) => type !== "pid");
      });
      const id = await runtime.runDetached();
      const { pid } = await runtime.state(id);
      const pids = await waitFor(async () => {
        const list: number[] = JSON.parse((await runtime.cli("ps", "-f", "json", id)).stdout);
        return list.length === 3 && list;
      });
      if (gone) {
        process.kill(pid, "SIGKILL");
        await waitFor(async () => (await runtime.status(id)) === "stopped");
      }
      t.equal((await runtime.cli("kill", id, "KILL")).code, 0);
      await waitFor(() => !pids.some(isRunning), { what: "all processes to end" });
      t.equal((await runtime.cli("delete", id)).code, 0);
    }
  });
}

function foreground(program: string): void {
  const skip = cannotRun(program) ?? unlikeRunc(program);

  test("run and exec in the foreground on a terminal write newlines as they are", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("echo one; echo two", (config) => {
      config.process.terminal = true;
    });
    const out = join(runtime.directory, "out");
    const onTerminal = async (command: string) => {
      const line = `${program} --root ${runtime.root} ${command} > ${out}; echo status $?`;
      await using screen = startTerminal("sh", ["-c", line], { cwd: runtime.bundle });
      await screen.expect(/status 0/, 20_000);
      return readFileSync(out, "utf8");
    };
    t.equal(await onTerminal(`run ${runtime.newId()}`), "one\ntwo\n");
    runtime.configure("sleep 1000");
    const id = await runtime.runDetached();
    t.equal(await onTerminal(`exec -t ${id} sh -c 'echo three; echo four'`), "three\nfour\n");
    await using screen = startTerminal(
      program,
      ["--root", runtime.root, "exec", "-t", id, "sh", "-c", "echo five; echo six"],
      { cwd: runtime.bundle },
    );
    await screen.expect(/five\r\nsix\r\n/, 20_000);
  });
}

function commands(program: string): void {
  const skip = cannotRun(program) ?? unlikeRunc(program);

  test("spec writes what runc writes on this host", {
    skip: skip || (!existsSync(runc) && `needs ${runc}`),
  }, async (t) => {
    await using runtime = new Runtime(program);
    const path = join(runtime.directory, "config.json");
    const written = (by: string, flags: readonly string[]) => {
      rmSync(path, { force: true });
      execFileSync(by, ["spec", ...flags, "--bundle", runtime.directory]);
      const text = readFileSync(path, "utf8");
      // Since 1.2 runc leaves the ambient set out, and the version is each runtime's own.
      return text.replace(/,\s*"ambient": \[[^\]]*\]/, "").replace(/"ociVersion": "[^"]*"/, "");
    };
    for (const flags of [[], ["--rootless"]]) t.equal(written(program, flags), written(runc, flags), flags.join(" "));
    t.match(await runtime.cli("spec", "--bundle", runtime.directory), { code: 1, stderr: /config\.json exists/i });
  });

  test("list is sorted by id", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000");
    const stem = runtime.newId();
    const ids = ["m", "b", "z", "a", "k", "c"].map((letter) => `${stem}-${letter}`);
    for (const id of ids) await runtime.runDetached(id);
    t.equal(
      (await runtime.cli("list", "-q")).stdout,
      ids
        .toSorted()
        .map((id) => `${id}\n`)
        .join(""),
    );
  });

  test("list refuses a root directory that is not there", { skip: skip || olderRunc(program, 1.2) }, async (t) => {
    await using runtime = new Runtime(program);
    t.match(await runtime.cli("--root", join(runtime.directory, "absent"), "list"), { code: 1, stderr: /absent/ });
  });

  test("a read-only /dev holds the devices and the terminal", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure(
      "test -c /dev/null && test -c /dev/console && ls -l /dev/fd; touch /dev/x || echo kept",
      (config) => {
        config.process.terminal = true;
        for (const mount of config.mounts) if (mount.destination === "/dev") mount.options?.push("ro");
      },
    );
    const args = ["--root", runtime.root, "run", runtime.newId()];
    await using screen = startTerminal(program, args, { cwd: runtime.bundle });
    await screen.expect(/\/dev\/fd -> \/proc\/self\/fd[\s\S]*kept/, 20_000);
    t.equal((await screen.ended).code, 0);
  });

  test("exec --cgroup does not leave the container's cgroup", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000");
    const id = await runtime.runDetached();
    for (const path of ["..", "../", "/..", "a/../.."]) {
      const { code, stderr } = await runtime.cli("exec", "--cgroup", path, id, "true");
      t.equal(code, 255, path);
      t.match(stderr, /cgroup/, path);
    }
    t.equal((await runtime.cli("exec", "--cgroup", "/", id, "true")).code, 0);
  });
}

function refusals(program: string): void {
  const skip = cannotRun(program) ?? unlikeRunc(program);

  test("letters of a device's access that are unknown stand for none", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000; true", (config) => {
      config.linux.resources = {
        devices: [
          { allow: false, access: "rwm" },
          { allow: true, type: "c", major: 10, minor: 229, access: "rwx" },
          { allow: true, type: "c", major: 10, minor: 200, access: "x" },
        ],
      };
    });
    const id = await runtime.runDetached();
    const { pid } = await runtime.state(id);
    const onFirst = readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(":devices:");
    if (!onFirst) return;
    const list = cgroupFile(pid, "devices", "devices.list", "");
    t.match(list, /^c 10:229 rw$/m);
    t.notMatch(list, /^c 10:200 \S+x/m);
  });

  test("a program whose interpreter is missing is reported once", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("", (config) => {
      config.process.args = ["/bin/script"];
    });
    const script = join(runtime.bundle, "rootfs/bin/script");
    writeFileSync(script, "#!/nowhere/at/all\n");
    chmodSync(script, 0o755);
    const { code, stdout, stderr } = await runtime.cli("run", runtime.newId());
    t.not(code, 0);
    t.equal(`${stdout}${stderr}`.match(/\/bin\/script/g)?.length, 1, `${stdout}${stderr}`);
    t.match(stderr, /no such file or directory/i);
    runtime.configure("sleep 1000");
    const joined = await runtime.cli("exec", await runtime.runDetached(), "/bin/script");
    t.not(joined.code, 0);
    t.equal(`${joined.stdout}${joined.stderr}`.match(/\/bin\/script/g)?.length, 1, joined.stderr);
  });

  test("checkpoint refuses earlier images that are not there", {
    skip: skip || olderRunc(program, 1.4) || (!existsSync("/usr/sbin/criu") && "needs criu"),
  }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000");
    const id = await runtime.runDetached();
    const images = join(runtime.directory, "images");
    mkdirSync(images);
    const refused = (parent: string) => runtime.cli("checkpoint", "--image-path", images, "--parent-path", parent, id);
    t.match(await refused("/somewhere"), { code: 1, stderr: /parent-path.*relative/ });
    t.match(await refused("nowhere"), { code: 1, stderr: /parent-path/ });
    writeFileSync(join(images, "file"), "");
    t.match(await refused("file"), { code: 1, stderr: /parent-path/ });
    t.equal(await runtime.status(id), "running");
  });
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
