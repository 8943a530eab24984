import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { AF_UNIX, S_IFCHR, S_IFIFO, SOCK_CLOEXEC, SOCK_STREAM } from "@gantry/native-sys";
import type { Mount } from "@gantry/oci-spec/runtime";
import { test } from "tap";
import { cgroupPaths } from "../src/cgroup/paths.ts";
import { operations } from "../src/plan/generated/ops.ts";
import { createContainer } from "../src/run/create/create.ts";
import { deleteContainer } from "../src/run/delete.ts";
import { execInContainer } from "../src/run/exec.ts";
import { waitForExit } from "../src/run/launch/wait.ts";
import { Box, cannotRun, program } from "./box.ts";
import { pause, type RawOperation, tampered } from "./tamper.ts";

/** Known attacks of images, volumes and running containers on OCI runtimes, by CVE number. */

const skip = cannotRun() ?? false;

/** Puts a pause in front of an operation, the last one of its kind. */
const pauseBefore = (name: keyof typeof operations) => (plan: RawOperation[]) => {
  const at = plan.findLastIndex(({ number }) => number === operations[name].number);
  return plan.toSpliced(at, 0, pause);
};

/** Runs `look` with the helper's id while it is about to do an operation of an exec. */
async function lookAtHelper(
  box: Box,
  id: string,
  { before, look, process = {} }: { before: keyof typeof operations; look: (pid: number) => void; process?: object },
): Promise<void> {
  let looked = false;
  const atSync = () => {
    looked = true;
    // The one that waits is the youngest process of the container's pid namespace.
    const pids = box.cgroupPids(id);
    look(Math.max(...pids));
  };
  const host = tampered(box.host, { edit: pauseBefore(before), atSync });
  const nothing = openSync("/dev/null", "r+");
  try {
    const { pid, pidFd, helperPid } = await execInContainer(host, box.store, {
      id,
      process: { cwd: "/", args: ["true"], env: ["PATH=/bin"], ...process },
      stdio: [nothing, nothing, nothing],
      preserve: [],
      consoleSocket: undefined,
      sibling: false,
    });
    host.native.closeFd(pidFd);
    await waitForExit(host, helperPid);
    await waitForExit(host, pid);
  } finally {
    closeSync(nothing);
  }
  if (!looked) throw new Error("the helper did not pause");
}

test("CVE-2019-5736: the helper's program can neither be written nor made unusable", { skip }, async (t) => {
  await using box = new Box();
  const all = ["CAP_SYS_PTRACE", "CAP_FOWNER", "CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN"];
  box.configure("sleep 60", (spec) => {
    spec.process.capabilities = { bounding: all, effective: all, permitted: all };
    spec.process.noNewPrivileges = false;
  });
  const sum = () =>
    execFileSync("sha256sum", [`/proc/self/fd/${box.host.initProgram}`], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit", ...Array(box.host.initProgram - 3).fill("ignore"), box.host.initProgram],
    }).slice(0, 64);
  // F_SEAL_EXEC came with Linux 6.3; before it, the mode that such a container has changed is put right when it matters.
  const [major = 0, minor = 0] = box.host.facts.kernel.split(".").map(Number);
  const modeIsSealed = major > 6 || (major === 6 && minor >= 3);
  const state = () => ({ sum: sum(), ...(modeIsSealed && { mode: fstatSync(box.host.initProgram).mode }) });
  const before = state();
  await using container = await box.start();
  await lookAtHelper(box, container.id, {
    before: "exec",
    look: (helper) => {
      const inside = readFileSync(`/proc/${helper}/status`, "utf8").match(/^NSpid:.*\t(\d+)$/m)?.[1];
      const attack = `cd /proc/${inside} && readlink exe; echo x >> exe && echo wrote; true > exe && echo emptied; chmod 0 exe && echo changed`;
      const { stdout } = box.cli(["exec", container.id, "sh", "-c", attack]);
      t.equal(
        stdout,
        `/memfd:oci-init (deleted)\n${modeIsSealed ? "" : "changed\n"}`,
        "even one with rights over the helper sees it and changes nothing",
      );
    },
  });
  t.same((await box.exec(container.id, "echo still usable")).stdout, "still usable\n");
  t.same(state(), before);
  writeFileSync(join(box.rootfs, "bin/trap"), "#!/proc/self/exe\n", { mode: 0o755 });
  for (const args of [["/proc/self/exe"], ["/bin/trap"]]) {
    const { status, stdout } = await box.exec(container.id, "", { args });
    t.not(status, 0, "run as a program, the helper has no plan and ends");
    t.equal(stdout, "");
  }
});

test("the exec helper cannot be looked into by the container", { skip }, async (t) => {
  await using box = new Box();
  box.configure("sleep 60");
  await using container = await box.start();
  // With user 1000 the helper has that user's id for its last steps: then a process of that user is the attacker.
  const steps = [
    ...[[0, "session"] as const, [0, "user"] as const, [0, "exec"] as const],
    ...[[1000, "capabilities"] as const, [1000, "exec"] as const],
  ];
  for (const [uid, before] of steps)
    await lookAtHelper(box, container.id, {
      before,
      process: { user: { uid, gid: uid } },
      look: (helper) => {
        const inside = readFileSync(`/proc/${helper}/status`, "utf8").match(/^NSpid:.*\t(\d+)$/m)?.[1];
        const attack = `cd /proc/${inside}; cat environ; for f in exe root cwd fd/*; do readlink $f; done; head -c 1 mem`;
        const { stdout, stderr } = box.cli(["exec", "--user", `${uid}:${uid}`, container.id, "sh", "-c", attack]);
        t.equal(stdout, "", `before ${before}, as ${uid}`);
        t.match(stderr, /cat: can't open 'environ': Permission denied\nhead: mem: Permission denied/);
      },
    });
});

test("while hooks run, the helper's files in /proc are the host's root's", { skip }, async (t) => {
  await using box = new Box();
  chmodSync(box.directory, 0o711);
  const report = join(box.directory, "report");
  box.configure("true", (spec) => {
    spec.linux.namespaces?.push({ type: "user" });
    spec.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    spec.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    const look = `stat -c %u /proc/$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/')/environ > ${report}`;
    spec.hooks = { createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", look], env: ["PATH=/bin:/usr/bin"] }] };
  });
  await box.run();
  t.equal(readFileSync(report, "utf8"), "0\n", "another container of the user namespace has no way in");
});

/** A directory beside the root file system with a file: what an escape would reach. */
function outside(box: Box): { path: string; content: () => string[] } {
  const path = join(box.directory, "outside");
  mkdirSync(path);
  writeFileSync(join(path, "file"), "host\n");
  return { path, content: () => readdirSync(path) };
}

test("CVE-2021-30465, CVE-2024-45310: links in images and volumes lead nowhere else", { skip }, async (t) => {
  await using box = new Box();
  const host = outside(box);
  const volume = join(box.directory, "volume");
  mkdirSync(volume);
  writeFileSync(join(volume, "data"), "volume\n");
  symlinkSync(host.path, join(volume, "absolute"));
  symlinkSync("../../../outside", join(volume, "relative"));
  const links: Readonly<Record<string, string>> = {
    absolute: host.path,
    relative: "../../outside",
    many: `${"../".repeat(40)}${host.path.slice(1)}`,
    dangling: `${host.path}/new`,
    parent: "..",
    slash: `${host.path}/`,
    magic: `/proc/self/root${host.path}`,
    chain: "relative",
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(box.rootfs, name));
  const targets = Object.keys(links).flatMap((name) => [`/${name}`, `/${name}/sub/dir`]);
  targets.push("/volume/absolute", "/volume/relative/sub", "/volume/absolute/file", "/../../outside/x");
  const kinds: readonly ((destination: string) => Mount)[] = [
    (destination) => ({ destination, type: "tmpfs", source: "tmpfs" }),
    (destination) => ({ destination, type: "bind", source: volume, options: ["rbind"] }),
    (destination) => ({ destination, type: "bind", source: join(volume, "data"), options: ["bind"] }),
    (destination) => ({ destination, type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"] }),
  ];
  for (const destination of targets)
    for (const kind of kinds) {
      box.configure("cut -d' ' -f5 /proc/self/mountinfo; find / -name file -xdev", (spec) => {
        spec.root = { path: "rootfs" };
        spec.mounts.push(
          { destination: "/volume", type: "bind", source: volume, options: ["rbind"] },
          kind(destination),
        );
      });
      const result = await box.run().catch((error: Error) => ({ stdout: "", error: error.message }));
      t.notMatch(result.stdout, /^host$/m);
      t.same(host.content(), ["file"], `${destination}: ${JSON.stringify(kind(destination).options)}`);
      t.equal(statSync(host.path).dev, statSync(box.directory).dev);
    }
  t.same(readdirSync(volume).sort(), ["absolute", "data", "relative"].sort(), "volumes get nothing but mount points");
});

test("CVE-2019-16884, CVE-2019-19921, CVE-2023-27561: nothing goes over /proc or into it", { skip }, async (t) => {
  await using box = new Box();
  const fake = join(box.directory, "fake-proc");
  mkdirSync(join(fake, "self/attr"), { recursive: true });
  symlinkSync("/proc", join(box.rootfs, "innocent"));
  symlinkSync("../proc/self", join(box.rootfs, "tmp/deeper"));
  symlinkSync("/proc/sys", join(box.rootfs, "sys-link"));
  const cases: readonly (readonly [mount: Mount, message: RegExp])[] = [
    [{ destination: "/proc", type: "bind", source: fake, options: ["bind"] }, /mounts\[7\]\.destination: \/proc /],
    [{ destination: "/proc", type: "tmpfs", source: "tmpfs" }, /mounts\[7\]\.destination: \/proc /],
    [{ destination: "/proc/", type: "tmpfs", source: "tmpfs" }, /mounts\[7\]\.destination: \/proc /],
    [{ destination: "/tmp/../proc", type: "tmpfs", source: "tmpfs" }, /mounts\[7\]\.destination: \/proc /],
    [
      { destination: "/proc/self/attr", type: "bind", source: fake, options: ["bind"] },
      /mounts\[7\]\.destination: \/proc\/self/,
    ],
    [{ destination: "/proc/sys", type: "tmpfs", source: "tmpfs" }, /mounts\[7\]\.destination: \/proc\/sys/],
    [{ destination: "/innocent", type: "bind", source: fake, options: ["bind"] }, /on \/innocent|to \/innocent/],
    [{ destination: "/innocent", type: "tmpfs", source: "tmpfs" }, /lies in \/proc/],
    [{ destination: "/innocent", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"] }, /lies in \/proc/],
    [{ destination: "/innocent/sys", type: "tmpfs", source: "tmpfs" }, /lies in \/proc/],
    [{ destination: "/tmp/deeper", type: "tmpfs", source: "tmpfs" }, /lies in \/proc/],
    [{ destination: "/sys-link/kernel", type: "bind", source: "/proc/sys", options: ["bind"] }, /lies in \/proc/],
  ];
  for (const [mount, message] of cases) {
    box.configure("true", (spec) => {
      spec.mounts.push(mount);
    });
    await t.rejects(box.run(), { message }, JSON.stringify(mount));
  }
  writeFileSync(join(fake, "uptime"), "1.00 1.00\n");
  box.configure("cat /proc/uptime", (spec) => {
    spec.mounts.push({ destination: "/proc/uptime", type: "bind", source: join(fake, "uptime"), options: ["bind"] });
  });
  t.equal((await box.run()).stdout, "1.00 1.00\n", "files that only show the container's limits may be replaced");
  rmSync(join(box.rootfs, "proc"), { recursive: true });
  mkdirSync(join(box.rootfs, "elsewhere"));
  symlinkSync("elsewhere", join(box.rootfs, "proc"));
  box.configure("true");
  await t.rejects(box.run(), { message: /mounting "proc" on \/proc: .*ELOOP/ });
});

test("CVE-2024-21626: no working directory outside, no descriptor that leads there", { skip }, async (t) => {
  await using box = new Box();
  for (let fd = 0; fd < 16; fd++)
    for (const cwd of [`/proc/self/fd/${fd}`, `/proc/self/fd/${fd}/../..`, `/proc/thread-self/fd/${fd}`]) {
      box.configure("pwd; ls", (spec) => {
        spec.process.cwd = cwd;
      });
      await t.rejects(box.run(), Error, cwd);
    }
  symlinkSync("/proc/self/fd/7", join(box.rootfs, "link"));
  box.configure("pwd", (spec) => {
    spec.process.cwd = "/link";
  });
  await t.rejects(box.run());
  box.configure("sleep 60");
  await using container = await box.start();
  for (let fd = 0; fd < 16; fd++) {
    const cwd = `/proc/self/fd/${fd}`;
    const result = await box.exec(container.id, "pwd; ls", { cwd }).catch(() => undefined);
    if (result) t.match(result.stdout, /^\/\nbin\n/, `${cwd}: the container's own root at most`);
  }
  const directory = openSync(box.directory, constants.O_RDONLY | constants.O_DIRECTORY);
  const nothing = openSync("/dev/null", "r+");
  const request = {
    id: container.id,
    process: { cwd: "/proc/self/fd/3", args: ["pwd"], env: ["PATH=/bin"] },
    stdio: [nothing, nothing, nothing] as [number, number, number],
    preserve: [directory],
    consoleSocket: undefined,
    sibling: false,
  };
  await t.rejects(execInContainer(box.host, box.store, request), { message: /it lies outside the container/ });
  closeSync(directory);
  closeSync(nothing);
});

test("CVE-2024-21626: no program of another container or of the host by way of a descriptor", { skip }, async (t) => {
  await using box = new Box();
  writeFileSync(join(box.rootfs, "bin/reached"), "#!/bin/sh\necho reached\n", { mode: 0o755 });
  box.configure("sleep 60");
  await using other = await box.start();
  await using container = await box.start();
  for (let fd = 0; fd < 12; fd++) {
    const program = `/proc/self/fd/${fd}/../${other.pid}/root/bin/reached`;
    await t.rejects(box.exec(container.id, "", { args: [program] }), Error, program);
  }
  await lookAtHelper(box, container.id, {
    before: "exec",
    look: (helper) => {
      const links = readdirSync(`/proc/${helper}/fd`).map((fd) => readlinkSync(`/proc/${helper}/fd/${fd}`));
      const others = links.filter((link) => link !== "/dev/null" && !/^socket:/.test(link));
      t.same(others, ["/"], "of directories it has the container's root alone");
    },
  });
});

test("CVE-2025-31133: a masked file becomes the null device or the container does not come up", { skip }, async (t) => {
  await using box = new Box();
  const dev = join(box.directory, "dev");
  const replacements: readonly (readonly [what: string, make: () => void])[] = [
    ["a link to a file of the kernel", () => symlinkSync("/proc/sys/kernel/core_pattern", join(dev, "null"))],
    ["a link to another device", () => symlinkSync("zero", join(dev, "null"))],
    ["a file", () => writeFileSync(join(dev, "null"), "x")],
    ["nothing", () => {}],
    ["another device", () => box.host.native.mknod(join(dev, "null"), S_IFCHR | 0o666, 1, 5)],
    ["a named pipe", () => box.host.native.mknod(join(dev, "null"), S_IFIFO | 0o666, 0, 0)],
  ];
  for (const [what, make] of replacements) {
    rmSync(dev, { recursive: true, force: true });
    mkdirSync(dev);
    box.host.native.mknod(join(dev, "zero"), S_IFCHR | 0o666, 1, 5);
    make();
    box.configure("true", (spec) => {
      spec.mounts = [
        { destination: "/proc", type: "proc", source: "proc" },
        { destination: "/dev", type: "bind", source: dev, options: ["rbind"] },
      ];
      spec.linux.maskedPaths = ["/etc/passwd"];
    });
    await t.rejects(box.run(), { message: /masking \/etc\/passwd: \/dev\/null/ }, what);
  }
  writeFileSync(join(box.rootfs, "etc/secret"), "secret\n");
  symlinkSync("secret", join(box.rootfs, "etc/by-link"));
  box.configure("cat /etc/secret /etc/by-link; ls -l /dev/null", (spec) => {
    rmSync(join(box.rootfs, "dev"), { recursive: true });
    mkdirSync(join(box.rootfs, "dev"));
    symlinkSync("/proc/sys/kernel/core_pattern", join(box.rootfs, "dev/null"));
    spec.mounts = spec.mounts.filter(({ destination }) => !destination.startsWith("/dev"));
    spec.linux.maskedPaths = ["/etc/by-link"];
  });
  t.match((await box.run()).stdout, /^crw-rw-rw- +1 root +0 +1, +3 /, "an image's own /dev/null is replaced");
});

test("CVE-2025-52565: a terminal is a real one, and lands on /dev/console itself", { skip }, async (t) => {
  await using box = new Box();
  const dev = join(box.directory, "dev");
  const { native } = box.host;
  const fakes: readonly (readonly [what: string, make: () => void])[] = [
    ["no devpts at all", () => writeFileSync(join(dev, "pts/ptmx"), "")],
    ["a named pipe", () => native.mknod(join(dev, "pts/ptmx"), S_IFIFO | 0o666, 0, 0)],
    ["a link to the host's kind of ptmx", () => symlinkSync("../ptmx", join(dev, "pts/ptmx"))],
    ["a console that is a link", () => symlinkSync("/etc/passwd", join(dev, "console"))],
    ["a console that is a link into /proc", () => symlinkSync("/proc/sys/kernel/core_pattern", join(dev, "console"))],
  ];
  for (const [what, make] of fakes) {
    rmSync(dev, { recursive: true, force: true });
    mkdirSync(join(dev, "pts"), { recursive: true });
    native.mknod(join(dev, "null"), S_IFCHR | 0o666, 1, 3);
    native.mknod(join(dev, "ptmx"), S_IFCHR | 0o666, 5, 2);
    make();
    box.configure("true", (spec) => {
      spec.process.terminal = true;
      const pts = { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance"] };
      spec.mounts = [
        { destination: "/proc", type: "proc", source: "proc" },
        { destination: "/dev", type: "bind", source: dev, options: ["rbind"] },
        ...(what.startsWith("a console") ? [pts] : []),
      ];
    });
    const [ours, theirs] = native.socketPair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const id = box.newId();
    const nothing = openSync("/dev/null", "r+");
    await t.rejects(
      createContainer(box.host, box.store, { ...box.request(id, [nothing, nothing, nothing]), consoleSocket: theirs }),
      { message: /^opening the terminal/ },
      what,
    );
    native.closeFd(theirs);
    t.same(native.recvFds(ours, 64, 1)?.fds ?? [], [], `${what}: nothing was sent`);
    for (const fd of [ours, nothing]) native.closeFd(fd);
  }
  t.match(readFileSync(join(box.rootfs, "etc/passwd"), "utf8"), /^root:/);
});

test("CVE-2025-52881: settings go to the kernel, whatever lies in the place of /proc", { skip }, async (t) => {
  await using box = new Box();
  const setting = join(box.rootfs, "proc/sys/net/ipv4/ip_forward");
  const configure = () =>
    box.configure("true", (spec) => {
      spec.mounts = spec.mounts.filter(({ destination }) => destination !== "/proc");
      spec.linux = { ...spec.linux, sysctl: { "net.ipv4.ip_forward": "1" }, maskedPaths: [], readonlyPaths: [] };
    });
  mkdirSync(join(setting, ".."), { recursive: true });
  configure();
  writeFileSync(setting, "image\n");
  await t.rejects(box.run(), { message: /\/proc is not a proc file system/ });
  t.equal(readFileSync(setting, "utf8"), "image\n");
  rmSync(setting);
  box.host.native.mknod(setting, S_IFIFO | 0o666, 0, 0);
  await t.rejects(box.run(), Error, "a named pipe does not hold it up for ever");
  rmSync(setting);
  symlinkSync("/dev/zero", setting);
  await t.rejects(box.run());
  // A file of a real proc file system bound over another, which a check of the file's own kind would not see.
  box.configure("true", (spec) => {
    spec.linux.sysctl = { "kernel.domainname": "box" };
    spec.mounts.push({ destination: "/proc/uptime", type: "bind", source: "/proc/self/comm", options: ["bind"] });
  });
  const host = tampered(box.host, {
    edit: (plan) =>
      plan.map((operation) =>
        operation.number === operations.bind.number
          ? { ...operation, fields: replaceText(operation.fields, "/proc/uptime", "/proc/sys/kernel/domainname") }
          : operation,
      ),
  });
  const id = box.newId();
  await t.rejects(createContainer(host, box.store, box.request(id, [0, 1, 2])), {
    message: /sys\/kernel\/domainname.*EXDEV/,
  });
});

/** Replaces one text field of an encoded operation. */
function replaceText(fields: Buffer, old: string, next: string): Buffer {
  const encoded = (text: string) => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length + 1));
    return Buffer.concat([length, Buffer.from(text), Buffer.alloc(8 - (text.length % 8))]);
  };
  const before = encoded(old);
  const at = fields.indexOf(before);
  if (at < 0) throw new Error(`no field "${old}"`);
  return Buffer.concat([fields.subarray(0, at), encoded(next), fields.subarray(at + before.length)]);
}

test("CVE-2022-29162: inheritable capabilities are the configured ones, none by default", { skip }, async (t) => {
  await using box = new Box();
  box.configure("grep CapInh /proc/self/status; sleep 60");
  await using container = await box.start();
  const { stdout } = await box.exec(container.id, "grep CapInh /proc/self/status", {
    capabilities: { bounding: ["CAP_CHOWN"], permitted: ["CAP_CHOWN"], effective: ["CAP_CHOWN"] },
  });
  t.equal(stdout, "CapInh:\t0000000000000000\n");
  t.match(readFileSync(`/proc/${container.pid}/status`, "utf8"), /^CapInh:\t0{16}$/m);
  const added = box.cli(["exec", "--cap", "CAP_NET_ADMIN", container.id, "grep", "CapInh", "/proc/self/status"]);
  t.equal(added.stdout, "CapInh:\t0000000000000000\n");
});

test("descriptors that the caller has open by accident stay with it", { skip }, async (t) => {
  await using box = new Box();
  box.configure("ls /proc/self/fd; ls /proc/1/fd; true");
  const directory = openSync("/", constants.O_RDONLY | constants.O_DIRECTORY);
  const call = (args: string[]) =>
    spawnSync(program, ["--root", box.store.root, ...args], {
      encoding: "utf8",
      // 3, 4 and 5 of the child, inheritable.
      stdio: ["ignore", "pipe", "pipe", directory, directory, directory],
    }).stdout;
  t.equal(call(["run", "-b", box.bundle, box.newId()]), "0\n1\n2\n3\n0\n1\n2\n", "ls has one of its own");
  box.configure("sleep 60");
  await using container = await box.start();
  const list = ["sh", "-c", "ls /proc/$$/fd; true"];
  t.equal(call(["exec", container.id, ...list]), "0\n1\n2\n");
  t.equal(call(["exec", "--preserve-fds", "1", container.id, ...list]), "0\n1\n2\n3\n", "what is asked for crosses");
  closeSync(directory);
});

const probe = new URL("keyring-probe.c", import.meta.url).pathname;

test("keyrings: each process gets a session keyring of its own, unless disabled", { skip }, async (t) => {
  await using box = new Box();
  execFileSync("musl-gcc", ["-static", "-Os", "-o", join(box.rootfs, "bin/probe"), probe]);
  const compiled = join(box.rootfs, "bin/probe");
  const session = () => execFileSync(compiled, { encoding: "utf8" });
  const own = session();
  box.configure("probe; sleep 60");
  const id = box.newId();
  const [out, kept] = [join(box.directory, "out"), join(box.directory, "kept")];
  const run = async (file: string, newKeyring: boolean) => {
    const fd = openSync(file, "w");
    box.configure("probe");
    const { pid, pidFd } = await createContainer(box.host, box.store, {
      ...box.request(id, [fd, fd, fd]),
      newKeyring,
    });
    box.host.native.closeFd(pidFd);
    closeSync(fd);
    const ended = waitForExit(box.host, pid);
    box.cli(["start", id]);
    await ended;
    await deleteContainer(box.host, box.store, { id, force: true });
    return readFileSync(file, "utf8");
  };
  t.not(await run(out, true), own);
  t.equal(await run(kept, false), own);
  box.configure("sleep 60");
  await using container = await box.start();
  const exec = await box.exec(container.id, "probe");
  t.match(exec.stdout, /^\d+\n$/);
  t.not(exec.stdout, own, "an exec does not bring the host's keys along");
  t.ok(existsSync(compiled));
});

test("a container's cgroup is its own: neither the root nor a cgroup in use by others", { skip }, async (t) => {
  await using box = new Box();
  // Compiled and not run: what its deletion would end is the host.
  for (const path of ["/", "..", "/..", "a/..", "//.", "/box/../.."])
    t.throws(
      () => cgroupPaths(box.host.facts, path, "box"),
      { message: /^linux\.cgroupsPath must name a cgroup/ },
      path,
    );
  box.configure("sleep 60");
  await using container = await box.start();
  box.configure("true", (spec) => {
    spec.linux.cgroupsPath = `/${container.id}`;
  });
  await t.rejects(box.run(), { message: /linux\.cgroupsPath: .* is in use/ });
  process.kill(container.pid, 0);
  t.equal(box.cgroupPids(container.id).length, 1, "those who were there are still there");
  t.same((await box.exec(container.id, "echo alive")).stdout, "alive\n");
});
