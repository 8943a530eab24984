import type { ContainerConfig, HostConfig } from "@gantry/ipc/contracts/engine-types";
import { capabilityNames } from "@gantry/native-sys";
import { ulimitNames } from "@gantry/oci-spec/names";
import { defaultCapabilities, defaultDeviceRules, type Spec, validateSpec } from "@gantry/oci-spec/runtime";
import { test } from "tap";
import { checkedHostConfig } from "../src/containers/create/host-config.ts";
import { mergeConfig } from "../src/containers/create/merge-config.ts";
import { buildSpec, type SpecInput } from "../src/spec/build.ts";
import { mergeEnvironment } from "../src/spec/environment.ts";
import type { MountPoint } from "../src/spec/mounts.ts";

const id = "a".repeat(64);

function spec(config: Partial<ContainerConfig> = {}, host: HostConfig = {}, more: Partial<SpecInput> = {}): Spec {
  const built = buildSpec({
    id,
    config: { Image: "busybox", Cmd: ["sh"], ...config },
    host,
    hostname: "box",
    points: [],
    files: { resolvConf: "/f/resolv.conf", hostname: "/f/hostname", hosts: "/f/hosts" },
    namespaces: { network: "/run/netns/x", pid: "", ipc: "", uts: "", cgroup: "host" },
    shm: 67108864,
    devices: { devices: [], rules: [...defaultDeviceRules] },
    cgroupParent: "gantry",
    additionalGids: [],
    facts: { arch: "x64", cgroupVersion: 1, swapLimit: true, capabilities: capabilityNames },
    ...more,
  });
  return built;
}

const mountAt = (built: Spec, path: string) => built.mounts?.find((mount) => mount.destination === path);

test("the default: Docker's process, mounts, namespaces and limits", async (t) => {
  const built = spec();
  t.same(validateSpec(built), []);
  t.same(built.process?.args, ["sh"]);
  t.same(built.process?.env, ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=box"]);
  t.equal(built.process?.cwd, "/");
  t.notOk(built.process?.rlimits, "limits stay as they are");
  t.same(built.process?.capabilities?.bounding, [...defaultCapabilities]);
  t.notOk(built.process?.capabilities?.inheritable);
  t.same(built.linux?.namespaces, [
    { type: "mount" },
    { type: "network", path: "/run/netns/x" },
    { type: "uts" },
    { type: "pid" },
    { type: "ipc" },
  ]);
  t.equal(built.linux?.cgroupsPath, `/gantry/${id}`);
  t.ok(built.linux?.seccomp && built.linux.maskedPaths?.includes("/proc/kcore"));
  t.match(mountAt(built, "/dev/shm")?.options, ["nosuid", "noexec", "nodev", "mode=1777", "size=67108864"]);
  t.match(mountAt(built, "/etc/hosts"), { source: "/f/hosts", type: "bind" });
  t.same(built.linux?.resources, { devices: [...defaultDeviceRules] });
});

test("every ulimit that a client accepts is accepted here, and is a limit of the runtime's", (t) => {
  t.ok(ulimitNames.includes("as"));
  for (const Name of ulimitNames) {
    const limits = { cpus: 1, swapLimit: true };
    const { host } = checkedHostConfig({ Image: "i" }, { Ulimits: [{ Name, Soft: 1, Hard: 1 }] }, limits);
    const built = spec({}, host);
    t.same(validateSpec(built), [], Name);
    t.equal(built.process?.rlimits?.[0]?.type, `RLIMIT_${Name.toUpperCase()}`);
  }
  t.end();
});

test("a tmpfs gets the requested mode, else the mode of the directory that it covers", (t) => {
  const options = (TmpfsOptions: string[]) =>
    mountAt(spec({}, {}, { points: [{ ...tmpfs, TmpfsOptions }] }), "/t")?.options;
  t.same(options([]), ["noexec", "nosuid", "nodev"]);
  t.same(options(["mode=700"]), ["noexec", "nosuid", "nodev", "mode=700"]);
  t.end();
});

const tmpfs: MountPoint = { Type: "tmpfs", Source: "", Destination: "/t", Mode: "", RW: true, Propagation: "" };

test("a process: entrypoint and command, user's variables, terminal, init", async (t) => {
  const built = spec(
    { Entrypoint: ["/entry"], Cmd: ["a", "b"], Env: ["PATH=/mine", "X=1", "HOSTNAME"], Tty: true, WorkingDir: "/w" },
    { ConsoleSize: [24, 80], OomScoreAdj: -5, Ulimits: [{ Name: "nofile", Soft: 10, Hard: -1 }] },
    { initPath: "/bin/tini-static" },
  );
  t.same(validateSpec(built), []);
  t.same(built.process?.args, ["/sbin/docker-init", "--", "/entry", "a", "b"]);
  t.same(built.process?.env, ["PATH=/mine", "TERM=xterm", "X=1"]);
  t.match(built.process, { terminal: true, consoleSize: { height: 24, width: 80 }, cwd: "/w", oomScoreAdj: -5 });
  t.match(built.process?.rlimits, [{ type: "RLIMIT_NOFILE", soft: 10 }]);
  t.match(mountAt(built, "/sbin/docker-init"), { source: "/bin/tini-static", options: ["rbind", "ro"] });
});

test("capabilities: added, dropped, all, unknown", async (t) => {
  const of = (host: HostConfig) => spec({}, host).process?.capabilities?.effective ?? [];
  t.ok(of({ CapAdd: ["net_admin"] }).includes("CAP_NET_ADMIN"));
  t.notOk(of({ CapDrop: ["CAP_CHOWN"] }).includes("CAP_CHOWN"));
  t.same(of({ CapDrop: ["ALL"] }), []);
  t.same(of({ CapDrop: ["ALL"], CapAdd: ["CHOWN"] }), ["CAP_CHOWN"]);
  t.equal(of({ CapAdd: ["ALL"] }).length, capabilityNames.length);
  t.notOk(of({ CapAdd: ["ALL"], CapDrop: ["SYS_ADMIN"] }).includes("CAP_SYS_ADMIN"));
  t.throws(() => of({ CapAdd: ["BOGUS"] }), /unknown capability: "CAP_BOGUS"/);
  const facts = { arch: "x64", cgroupVersion: 1 as const, swapLimit: true, capabilities: ["CAP_CHOWN", "CAP_KILL"] };
  t.same(
    spec({}, { Privileged: true }, { facts }).process?.capabilities?.bounding,
    ["CAP_CHOWN", "CAP_KILL"],
    "no more than the host can give",
  );
  t.throws(() => spec({}, { CapAdd: ["SYS_ADMIN"] }, { facts }), /not available: "CAP_SYS_ADMIN"/);
});

test("privileged: nothing masked, no filter, writable kernel file systems", async (t) => {
  const built = spec({}, { Privileged: true });
  t.same(validateSpec(built), []);
  t.notOk(built.linux?.seccomp);
  t.same([built.linux?.maskedPaths, built.linux?.readonlyPaths], [[], []]);
  t.notOk(mountAt(built, "/sys")?.options?.includes("ro"));
  t.ok(spec({}, { Privileged: true, SecurityOpt: [`seccomp={"defaultAction":"SCMP_ACT_ALLOW"}`] }).linux?.seccomp);
});

test("security options", async (t) => {
  t.notOk(spec({}, { SecurityOpt: ["seccomp=unconfined"] }).linux?.seccomp);
  t.equal(spec({}, { SecurityOpt: ["no-new-privileges"] }).process?.noNewPrivileges, true);
  t.equal(spec({}, { SecurityOpt: ["no-new-privileges:false"] }).process?.noNewPrivileges, false);
  t.same(spec({}, { SecurityOpt: ["systempaths=unconfined"] }).linux?.maskedPaths, []);
  t.throws(() => spec({}, { SecurityOpt: ["apparmor=strict"] }), /apparmor=strict" is not supported/);
  const profile = JSON.stringify({
    defaultAction: "SCMP_ACT_ERRNO",
    archMap: [{ architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] }],
    syscalls: [
      { names: ["read"], action: "SCMP_ACT_ALLOW" },
      { names: ["mount"], action: "SCMP_ACT_ALLOW", includes: { caps: ["CAP_SYS_ADMIN"] } },
      { names: ["arch_prctl"], action: "SCMP_ACT_ALLOW", includes: { arches: ["amd64"] } },
      { names: ["clone"], action: "SCMP_ACT_ALLOW", excludes: { caps: ["CAP_SYS_ADMIN"] } },
    ],
  });
  const names = (host: HostConfig) => spec({}, host).linux?.seccomp?.syscalls?.flatMap((rule) => rule.names);
  t.same(names({ SecurityOpt: [`seccomp=${profile}`] }), ["read", "arch_prctl", "clone"]);
  t.same(names({ SecurityOpt: [`seccomp=${profile}`], CapAdd: ["SYS_ADMIN"] }), ["read", "mount", "arch_prctl"]);
  t.same(spec({}, { SecurityOpt: [`seccomp=${profile}`] }).linux?.seccomp?.architectures, [
    "SCMP_ARCH_X86_64",
    "SCMP_ARCH_X86",
  ]);
});

test("limits become cgroup resources", async (t) => {
  const host = {
    Memory: 67108864,
    MemorySwap: 134217728,
    NanoCpus: 1.5e9,
    PidsLimit: 50,
    CpusetCpus: "0-1",
    CpuShares: 512,
    BlkioWeight: 300,
  };
  t.match(spec({}, host).linux?.resources, {
    memory: { limit: 67108864, swap: 134217728 },
    cpu: { quota: 150000, period: 100000, cpus: "0-1", shares: 512 },
    pids: { limit: 50 },
    blockIO: { weight: 300 },
  });
  const noSwap = spec({}, host, {
    facts: { arch: "x64", cgroupVersion: 1, swapLimit: false, capabilities: capabilityNames },
  });
  t.same(noSwap.linux?.resources?.memory, { limit: 67108864 });
  t.equal(spec({}, { CgroupParent: "/mine/here" }).linux?.cgroupsPath, `/mine/here/${id}`);
});

test("mounts: deeper ones are mounted later, and a requested mount replaces a system mount", async (t) => {
  const point = (Destination: string, more: Partial<MountPoint> = {}): MountPoint => ({
    Type: "bind",
    Source: "/src",
    Destination,
    Mode: "",
    RW: true,
    Propagation: "rprivate",
    ...more,
  });
  const points = [
    point("/a/b/c"),
    point("/a", { RW: false, Propagation: "rslave" }),
    point("/dev/shm"),
    point("/etc/hosts"),
    point("/t", { Type: "tmpfs", Source: "", TmpfsOptions: ["exec", "size=1m"] }),
  ];
  const built = spec({}, {}, { points });
  t.same(validateSpec(built), []);
  const order = built.mounts?.map((mount) => mount.destination) ?? [];
  t.ok(order.indexOf("/a") < order.indexOf("/a/b/c"));
  t.equal(order.filter((path) => path === "/dev/shm").length, 1);
  t.same(mountAt(built, "/etc/hosts")?.source, "/src");
  t.same(mountAt(built, "/a")?.options, ["rbind", "rslave", "ro"]);
  t.same(mountAt(built, "/t")?.options, ["nosuid", "nodev", "size=1m"]);
  t.equal(built.linux?.rootfsPropagation, "rslave");
});

test("the host's namespaces are left out, and their settings are not changed", async (t) => {
  const built = spec(
    {},
    {},
    { namespaces: { network: "host", pid: "host", ipc: "host", uts: "host", cgroup: "" }, shm: { bind: "/dev/shm" } },
  );
  t.same(built.linux?.namespaces, [{ type: "mount" }, { type: "cgroup" }]);
  t.notOk(built.hostname);
  t.notOk(built.linux?.sysctl);
  t.match(mountAt(built, "/dev/shm"), { type: "bind", source: "/dev/shm" });
  t.match(mountAt(built, "/dev/mqueue"), { type: "mqueue" });
  t.same(spec({}, { Sysctls: { "net.core.somaxconn": "10" } }).linux?.sysctl?.["net.core.somaxconn"], "10");
});

test("an image's configuration merged with the request", async (t) => {
  const image = {
    Cmd: ["run"],
    Entrypoint: ["/entry"],
    Env: ["A=1", "B=2"],
    User: "web",
    WorkingDir: "/srv",
    Labels: { x: "image", y: "image" },
    Volumes: { "/v": {} },
  };
  const merged = (wanted: Partial<ContainerConfig>) => mergeConfig({ Image: "i", ...wanted }, image);
  t.match(merged({}), { Cmd: ["run"], Entrypoint: ["/entry"], User: "web", WorkingDir: "/srv", Volumes: { "/v": {} } });
  t.match(merged({ Cmd: ["mine"] }), { Cmd: ["mine"], Entrypoint: ["/entry"] });
  t.match(merged({ Entrypoint: ["/other"] }), { Cmd: null, Entrypoint: ["/other"] });
  t.match(merged({ Entrypoint: [""], Cmd: ["sh"] }), { Cmd: ["sh"], Entrypoint: null });
  t.match(merged({ Env: ["B=3", "C=4"], Labels: { x: "mine" } }), {
    Env: ["A=1", "B=3", "C=4"],
    Labels: { x: "mine", y: "image" },
  });
  t.same(mergeEnvironment(["A=1", "B=2"], ["A"]), ["B=2"], "a bare name removes");
});
