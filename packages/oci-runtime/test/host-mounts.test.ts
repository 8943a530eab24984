import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { defaultCapabilities, type NamespaceType, type Spec } from "@gantry/oci-spec/runtime";
import { test } from "tap";
import { Box, cannotRun, program } from "./box.ts";
import { cannotRunAsUser, range, UserBox } from "./user-box.ts";

/**
 * A process without CAP_SYS_ADMIN that makes a user namespace may mount a new proc or sysfs exactly if its mount
 * namespace holds one without masks, in sight or not. Nothing of the host's may serve it as such.
 */

const skip = cannotRun() ?? false;

/** Mounts a new proc and opens the host's core_pattern for writing; mounts a new sysfs. Changes nothing. */
const attack = [
  "unshare -mrpf sh -c 'mount -t proc proc /tmp && echo proc mounted; : >> /tmp/sys/kernel/core_pattern && echo opened'",
  "unshare -mrnpf sh -c 'mount -t sysfs sysfs /tmp && echo sysfs mounted'",
  "echo tried",
].join("; ");
const refused = "tried\n";

type BoxSpec = Spec & Required<Pick<Spec, "process" | "linux" | "mounts">>;

/** Docker's rights without its filter, which would refuse unshare(2); mapping root needs CAP_SETFCAP. */
function unfiltered(spec: BoxSpec): void {
  spec.root = { path: "rootfs" };
  delete spec.linux.seccomp;
  const capabilities = [...defaultCapabilities];
  spec.process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities };
}

function userNamespace(spec: BoxSpec): void {
  spec.linux.namespaces?.push({ type: "user" });
  const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  Object.assign(spec.linux, { uidMappings: mappings, gidMappings: mappings });
}

const files: Partial<Record<NamespaceType, string>> = {
  pid: "pid",
  network: "net",
  ipc: "ipc",
  uts: "uts",
  user: "user",
};

function joined(pid: number, types: readonly NamespaceType[]): (spec: BoxSpec) => void {
  return (spec) => {
    const others = (spec.linux.namespaces ?? []).filter(({ type }) => !types.includes(type));
    spec.linux.namespaces = [...others, ...types.map((type) => ({ type, path: `/proc/${pid}/ns/${files[type]}` }))];
    if (types.includes("uts")) delete spec.hostname;
  };
}

/** A box whose bundle a user namespace's root can reach. */
function openBox(): Box {
  const box = new Box();
  chmodSync(box.directory, 0o711);
  return box;
}

test("the attempt succeeds where nothing is masked, so it would show a hole", { skip }, async (t) => {
  await using box = openBox();
  for (const noPivot of [false, true]) {
    box.configure(attack, (spec) => {
      unfiltered(spec);
      spec.linux.maskedPaths = [];
      spec.linux.readonlyPaths = [];
      spec.mounts = spec.mounts.map((mount) =>
        mount.destination === "/sys" ? { ...mount, options: ["nosuid", "nodev", "noexec"] } : mount,
      );
    });
    t.match((await box.run({ noPivot })).stdout, /^proc mounted\nopened\n/, `noPivot ${noPivot}`);
  }
});

test("a container gets at no full proc or sysfs: pivot or not, with each set of namespaces", { skip }, async (t) => {
  await using box = openBox();
  box.configure("sleep 1000");
  await using other = await box.start();
  box.configure("sleep 1000", userNamespace);
  await using user = await box.start();
  const modes: Readonly<Record<string, (spec: BoxSpec) => void>> = {
    "namespaces of its own": () => undefined,
    "a user namespace of its own": userNamespace,
    "joined namespaces": joined(other.pid, ["pid", "network", "ipc", "uts"]),
    "a joined user namespace": joined(user.pid, ["user", "pid", "network"]),
    "the host's namespaces": (spec) => {
      spec.linux.namespaces = [{ type: "mount" }, { type: "ipc" }, { type: "network" }];
      delete spec.hostname;
    },
    "shared mounts": (spec) => {
      spec.linux.rootfsPropagation = "slave";
    },
  };
  for (const [name, change] of Object.entries(modes))
    for (const noPivot of [false, true]) {
      box.configure(attack, (spec) => {
        unfiltered(spec);
        change(spec);
      });
      t.equal((await box.run({ noPivot })).stdout, refused, `${name}, ${noPivot ? "moved root" : "pivot"}`);
    }
});

test("a process of exec gets at no full proc or sysfs either", { skip }, async (t) => {
  await using box = openBox();
  for (const noPivot of [false, true])
    for (const change of [() => undefined, userNamespace]) {
      box.configure("sleep 1000", (spec) => {
        unfiltered(spec);
        change(spec);
      });
      await using container = await box.start({ noPivot });
      t.equal((await box.exec(container.id, attack)).stdout, refused);
    }
});

test("an ordinary user's container gets at no full proc or sysfs", { skip: cannotRunAsUser() ?? false }, async (t) => {
  await using box = new UserBox();
  for (const flags of [[], ["--no-pivot"]])
    for (const change of [() => undefined, range]) {
      box.configure(attack, (spec) => {
        unfiltered(spec);
        change(spec);
      });
      const { stdout, stderr } = box.cli("run", ...flags, "box");
      t.equal(stdout, refused, stderr);
    }
});

/** Runs a script in a mount namespace of its own, which shares nothing with the machine's. */
function inMountNamespace(script: string, ...args: string[]): { stdout: string; stderr: string } {
  const { stdout, stderr } = spawnSync(
    "unshare",
    ["--mount", "--propagation", "private", "sh", "-ec", script, "sh", ...args],
    { encoding: "utf8" },
  );
  return { stdout, stderr };
}

test("a runtime in a chroot, and proc mounted several times: no full proc is left", { skip }, async (t) => {
  await using box = openBox();
  box.configure(attack, unfiltered);
  const { root } = box.store;
  const more = join(box.directory, "more");
  mkdirSync(more);
  const inChroot = `
    mkdir -p "$5"; mount --rbind / "$5"
    chroot "$5" "$1" --root "$2" run --no-pivot --bundle "$3" "$4"`;
  const chrooted = inMountNamespace(inChroot, program, root, box.bundle, box.newId(), join(box.directory, "chroot"));
  t.equal(chrooted.stdout, refused, chrooted.stderr);
  const severalTimes = (hidden: string) => `
    mount -t proc proc /proc; mkdir -p "$5/a b" "$5/c" "$5/d"
    mount -t proc proc "$5/a b"; mount -t proc proc "$5/c"; mount -t tmpfs tmpfs "$5/c"; ${hidden}
    "$1" --root "$2" run --no-pivot --bundle "$3" "$4"`;
  const several = inMountNamespace(severalTimes(""), program, root, box.bundle, box.newId(), more);
  t.equal(several.stdout, refused, several.stderr);
  const hidden =
    'mount -t tmpfs tmpfs "$5/d"; mkdir "$5/d/p"; mount -t proc proc "$5/d/p"; mount -t tmpfs tmpfs "$5/d"';
  const { stdout, stderr } = inMountNamespace(severalTimes(hidden), program, root, box.bundle, box.newId(), more);
  t.equal(stdout, "");
  t.match(stderr, /hiding the host's .*\/more\/d\/p: ENOENT/, "one that cannot be reached is a reason to refuse");
});

test("mounts that the container unmounts stay mounted on the host, shared mounts too", { skip }, async (t) => {
  await using box = openBox();
  for (const rootfsPropagation of ["rslave", "shared", "rshared"]) {
    box.configure("echo ran", (spec) => {
      unfiltered(spec);
      spec.linux.rootfsPropagation = rootfsPropagation;
    });
    const script = `
      mount -t proc proc /proc; mount --make-rshared /
      "$1" --root "$2" run --no-pivot --bundle "$3" "$4"
      test -e /proc/self/status && test -e /sys/kernel && echo kept`;
    const { stdout, stderr } = inMountNamespace(script, program, box.store.root, box.bundle, box.newId());
    t.equal(stdout, "ran\nkept\n", `${rootfsPropagation}: ${stderr}`);
  }
});
