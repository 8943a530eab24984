import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { engineContract } from "@gantry/ipc/contracts/engine";
import type { ContainerConfig, EndpointConfig, HostConfig, Mount } from "@gantry/ipc/contracts/engine-types";
import { containerConfig, endpointConfig, hostConfig, mount } from "@gantry/ipc/contracts/engine-types";
import { test } from "tap";
import type { UnderTest } from "./engine-under-test.ts";
import { inOwnNetwork } from "./own-network.ts";

inOwnNetwork();
const { engineUnderTest } = await import("./engine-under-test.ts");
const { waitFor } = await import("@gantry/testkit");

/**
 * No field of a request is accepted and then dropped: these tables have an entry for every field of the contract's
 * schemas, which shows what the field does, or that the engine refuses it.
 */
interface Case {
  readonly config?: Partial<ContainerConfig>;
  readonly host?: HostConfig;
  /** A text of config.json or of the container's files that is there because of the field, and not without it. */
  readonly shows?: string | RegExp;
  readonly warns?: RegExp;
  readonly refused?: RegExp;
  /** For what is not in a file: fails where the field has no effect. */
  readonly check?: (engine: UnderTest, id: string) => Promise<unknown>;
}

const forever = "while :; do sleep 0.05; done";
const trap = "trap 'exit 9' USR1; while :; do sleep 0.05; done";

const stop = async (engine: UnderTest, id: string, exitCode: number) => {
  await engine.client.call("containerStop", { Id: id });
  if ((await engine.inspect(id)).State.ExitCode !== exitCode) throw new Error("ended by another signal");
};
const ports = async (engine: UnderTest, id: string, expected: RegExp) => {
  const { Ports } = (await engine.inspect(id)).NetworkSettings;
  if (!expected.test(JSON.stringify(Ports))) throw new Error(`other ports: ${JSON.stringify(Ports)}`);
};
/** The client reads these back to know what to attach. */
const echoed = (field: keyof ContainerConfig) => async (engine: UnderTest, id: string) => {
  if ((await engine.inspect(id)).Config[field] !== true) throw new Error(`${field} is lost`);
};

const configCases: Readonly<Record<keyof ContainerConfig, Case>> = {
  Hostname: { config: { Hostname: "special" }, shows: '"hostname":"special"' },
  Domainname: { config: { Domainname: "special.example" }, shows: '"domainname":"special.example"' },
  User: {
    config: { User: "7:8" },
    check: async (engine, id) => {
      if (engine.standIn.users.get(id) !== "7:8") throw new Error("another user");
    },
  },
  AttachStdin: { config: { AttachStdin: true }, check: echoed("AttachStdin") },
  AttachStdout: { config: { AttachStdout: true }, check: echoed("AttachStdout") },
  AttachStderr: { config: { AttachStderr: true }, check: echoed("AttachStderr") },
  ExposedPorts: {
    config: { ExposedPorts: { "4711/tcp": {} } },
    check: (engine, id) => ports(engine, id, /"4711\/tcp":null/),
  },
  Tty: { config: { Tty: true }, shows: '"terminal":true' },
  OpenStdin: { config: { OpenStdin: true }, check: echoed("OpenStdin") },
  StdinOnce: { config: { OpenStdin: true, StdinOnce: true }, check: echoed("StdinOnce") },
  Env: { config: { Env: ["SPECIAL=1"] }, shows: '"SPECIAL=1"' },
  Cmd: { config: { Cmd: ["sh", "-c", forever, "special"] }, shows: '"special"' },
  Entrypoint: { config: { Entrypoint: ["env", "special=1"] }, shows: '"env","special=1","sh"' },
  Image: { config: { Image: "nowhere" }, refused: /[Nn]o such image: nowhere/ },
  Volumes: { config: { Volumes: { "/special": {} } }, shows: '"destination":"/special"' },
  WorkingDir: { config: { WorkingDir: "/special" }, shows: '"cwd":"/special"' },
  Labels: {
    config: { Labels: { special: "1" } },
    check: async ({ client }, id) => {
      const { Containers } = await client.call("containerList", { Filters: { label: ["special=1"] } });
      if (Containers[0]?.Id !== id) throw new Error("not found by its label");
    },
  },
  StopSignal: { config: { Cmd: ["sh", "-c", trap], StopSignal: "USR1" }, check: (engine, id) => stop(engine, id, 9) },
  StopTimeout: {
    config: { Cmd: ["sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"], StopTimeout: 0 },
    check: (engine, id) => stop(engine, id, 137),
  },
};

const megabytes = 1024 * 1024;

const hostCases: Readonly<Record<keyof HostConfig, Case>> = {
  Binds: { host: { Binds: ["/etc:/special"] }, shows: '"destination":"/special"' },
  Mounts: {
    host: { Mounts: [{ Type: "bind", Source: "/etc", Target: "/special" }] },
    shows: '"destination":"/special"',
  },
  PortBindings: {
    host: { NetworkMode: "bridge", PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "18555" }] } },
    check: (engine, id) => ports(engine, id, /127\.0\.0\.1.*18555/),
  },
  PublishAllPorts: {
    config: { ExposedPorts: { "81/tcp": {} } },
    host: { NetworkMode: "bridge", PublishAllPorts: true },
    check: (engine, id) => ports(engine, id, /"81\/tcp":\[/),
  },
  NetworkMode: { host: { NetworkMode: "special" }, refused: /network special not found/ },
  AutoRemove: {
    host: { AutoRemove: true },
    check: async ({ client }, id) => {
      const removed = client.call("containerWait", { Id: id, Condition: "removed" });
      await client.call("containerKill", { Id: id });
      await removed;
    },
  },
  Init: { host: { Init: true }, shows: '"/sbin/docker-init","--"' },
  Privileged: { host: { Privileged: true }, shows: '"maskedPaths":[]' },
  ReadonlyRootfs: { host: { ReadonlyRootfs: true }, shows: '"readonly":true' },
  CapAdd: { host: { CapAdd: ["NET_ADMIN"] }, shows: "CAP_NET_ADMIN" },
  CapDrop: { host: { CapDrop: ["CHOWN"] }, shows: /"bounding":(?!\[[^\]]*CAP_CHOWN)/ },
  Tmpfs: { host: { Tmpfs: { "/special": "size=1m" } }, shows: /"\/special","type":"tmpfs"[^}]*size=1m/ },
  Memory: { host: { Memory: 77 * megabytes }, shows: `"limit":${77 * megabytes}` },
  MemorySwap: { host: { Memory: 77 * megabytes, MemorySwap: 88 * megabytes }, shows: /"swap":92274688/, warns: /swap/ },
  MemoryReservation: { host: { MemoryReservation: 77 * megabytes }, shows: `"reservation":${77 * megabytes}` },
  NanoCpus: { host: { NanoCpus: 5e8 }, shows: '"quota":50000' },
  CpuShares: { host: { CpuShares: 77 }, shows: '"shares":77' },
  CpuPeriod: { host: { CpuPeriod: 77_000 }, shows: '"period":77000' },
  CpuQuota: { host: { CpuQuota: 77_000 }, shows: '"quota":77000' },
  CpusetCpus: { host: { CpusetCpus: "0" }, shows: '"cpus":"0"' },
  CpusetMems: { host: { CpusetMems: "0" }, shows: '"mems":"0"' },
  PidsLimit: { host: { PidsLimit: 77 }, shows: '"pids":{"limit":77}' },
  BlkioWeight: { host: { BlkioWeight: 77 }, shows: '"weight":77' },
  OomScoreAdj: { host: { OomScoreAdj: 77 }, shows: '"oomScoreAdj":77' },
  Devices: {
    host: { Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/special", CgroupPermissions: "r" }] },
    shows: '"/dev/special"',
  },
  Dns: { host: { Dns: ["192.0.2.77"] }, shows: "nameserver 192.0.2.77" },
  DnsSearch: { host: { DnsSearch: ["special.example"] }, shows: "search special.example" },
  DnsOptions: { host: { DnsOptions: ["ndots:7"] }, shows: "options ndots:7" },
  ExtraHosts: { host: { ExtraHosts: ["special:192.0.2.7"] }, shows: "192.0.2.7\tspecial" },
  GroupAdd: { host: { GroupAdd: ["4711"] }, shows: '"additionalGids":[4711]' },
  LogConfig: {
    host: { LogConfig: { Type: "none" } },
    check: async (engine, id) => {
      const logs = engine.client.open("containerLogs", { Id: id, Stdout: true, Stderr: true });
      const refused = await logs.result.then(
        () => false,
        () => true,
      );
      if (!refused) throw new Error("it has a log");
    },
  },
  RestartPolicy: {
    host: { RestartPolicy: { Name: "always" } },
    check: async (engine, id) => {
      process.kill(-(await engine.inspect(id)).State.Pid, "SIGKILL");
      await waitFor(async () => (await engine.inspect(id)).RestartCount > 0);
    },
  },
  Runtime: { host: { Runtime: "special" }, refused: /unknown or invalid runtime name: special/ },
  SecurityOpt: { host: { SecurityOpt: ["no-new-privileges"] }, shows: '"noNewPrivileges":true' },
  ShmSize: { host: { ShmSize: 77 * megabytes }, shows: `size=${77 * megabytes}` },
  Sysctls: { host: { Sysctls: { "net.ipv4.ip_forward": "1" } }, shows: '"net.ipv4.ip_forward":"1"' },
  Ulimits: { host: { Ulimits: [{ Name: "nofile", Soft: 77, Hard: 78 }] }, shows: '"soft":77' },
  PidMode: { host: { PidMode: "host" }, shows: /"namespaces":\[(?![^\]]*"pid")/ },
  IpcMode: { host: { IpcMode: "host" }, shows: /"namespaces":\[(?![^\]]*"ipc")/ },
  UTSMode: { host: { UTSMode: "host" }, shows: /"namespaces":\[(?![^\]]*"uts")/ },
  CgroupParent: { host: { CgroupParent: "special" }, shows: '"cgroupsPath":"/special/' },
  ConsoleSize: { config: { Tty: true }, host: { ConsoleSize: [33, 77] }, shows: '"width":77' },
};

/** config.json and the files that the engine makes for a container. */
function effectsOf(engine: UnderTest, id: string): string {
  const files = ["resolv.conf", "hosts", "hostname"].map((name) => join(engine.root, "containers", id, name));
  const texts = files.map((file) => (existsSync(file) ? readFileSync(file, "utf8") : ""));
  return [JSON.stringify(engine.standIn.specs.get(id)), ...texts].join("\n");
}

const matches = (text: string, pattern: string | RegExp) =>
  typeof pattern === "string" ? text.includes(pattern) : pattern.test(text);

test("every field of a container's configuration has an effect or is refused", async (t) => {
  t.same(Object.keys(configCases).sort(), Object.keys(containerConfig.entries).sort(), "each field has an entry");
  t.same(Object.keys(hostCases).sort(), Object.keys(hostConfig.entries).sort(), "each field has an entry");
  await using engine = await engineUnderTest({ iptables: true });
  // Where files show the effect no process is needed, and not every one of these can run outside a container.
  const prepared = async () => {
    throw new Error("prepared");
  };
  const run = async ({ config = {}, host = {}, shows }: Case) => {
    if (shows === undefined) engine.standIn.hooks.delete("tasks.create");
    else engine.standIn.hooks.set("tasks.create", prepared);
    const { Id, Warnings } = await engine.client.call("containerCreate", {
      Config: { Image: "busybox", Cmd: ["sh", "-c", forever], ...config },
      HostConfig: { NetworkMode: "none", ...host },
    });
    const starting = engine.client.call("containerStart", { Id });
    await (shows === undefined ? starting : t.rejects(starting, /prepared/));
    return { id: Id, warnings: Warnings.join("\n") };
  };
  const plain = effectsOf(engine, (await run({ shows: "" })).id);
  for (const [field, each] of Object.entries({ ...configCases, ...hostCases })) {
    if (each.refused) {
      await t.rejects(run(each), { message: each.refused }, field);
      continue;
    }
    const { id, warnings } = await run(each);
    if (each.shows !== undefined) {
      t.notOk(matches(plain, each.shows), `${field}: without it there is no such effect`);
      t.ok(matches(effectsOf(engine, id), each.shows) || each.warns?.test(warnings), field);
    }
    await t.resolves(Promise.resolve(each.check?.(engine, id)), field);
    await engine.client.call("containerRemove", { Id: id, Force: true, RemoveVolumes: true }).catch(() => {});
  }
});

type MountCase = readonly [
  mount: Partial<Mount>,
  expected: { readonly shows?: string | RegExp; readonly refused?: RegExp },
];

test("every option of a mount has an effect or is refused", async (t) => {
  const bind = { Type: "bind", Source: "/etc" } as const;
  const cases: Readonly<Record<keyof Mount, readonly MountCase[]>> = {
    Type: [[{ Type: "tmpfs" }, { shows: '"type":"tmpfs"' }]],
    Source: [[bind, { shows: '"source":"/etc"' }]],
    Target: [[bind, { shows: '"destination":"/special"' }]],
    ReadOnly: [[{ ...bind, ReadOnly: true }, { shows: /"\/special"[^}]*"ro"/ }]],
    BindOptions: [
      [{ ...bind, BindOptions: { Propagation: "rshared" } }, { shows: /"\/special"[^}]*"rshared"/ }],
      [{ ...bind, BindOptions: { NonRecursive: true } }, { shows: /"\/special"[^}]*"bind"/ }],
      [{ Type: "tmpfs", BindOptions: {} }, { refused: /field BindOptions must not be specified/ }],
    ],
    VolumeOptions: [
      [{ Type: "volume", VolumeOptions: { Labels: { special: "1" } } }, { shows: '"special":"1"' }],
      [
        { Type: "volume", VolumeOptions: { DriverConfig: { Name: "special" } } },
        { refused: /plugin "special" not found/ },
      ],
      [
        { Type: "volume", VolumeOptions: { DriverConfig: { Options: { o: "x" } } } },
        { refused: /invalid option: "o"/ },
      ],
      [{ ...bind, VolumeOptions: {} }, { refused: /field VolumeOptions must not be specified/ }],
    ],
    TmpfsOptions: [
      [{ Type: "tmpfs", TmpfsOptions: { SizeBytes: 77 } }, { shows: "size=77" }],
      [{ Type: "tmpfs", TmpfsOptions: { Mode: 0o750 } }, { shows: "mode=750" }],
      [{ Type: "volume", TmpfsOptions: {} }, { refused: /field TmpfsOptions must not be specified/ }],
    ],
  };
  t.same(Object.keys(cases).sort(), Object.keys(mount.entries).sort(), "each field has an entry");
  await using engine = await engineUnderTest();
  for (const [part, { shows, refused }] of Object.values(cases).flat()) {
    const wanted = { Target: "/special", ...part } as Mount;
    const running = engine.create("true", { Mounts: [wanted] }).then(async (Id) => {
      await engine.client.call("containerStart", { Id });
      return effectsOf(engine, Id) + JSON.stringify((await engine.client.call("volumeList", {})).Volumes);
    });
    if (refused) await t.rejects(running, { message: refused }, JSON.stringify(part));
    else t.ok(matches(await running, shows ?? ""), JSON.stringify(part));
  }
});

test("every setting of a container in a network has an effect or is refused, on connect as on create", async (t) => {
  await using engine = await engineUnderTest({ iptables: true });
  const { client } = engine;
  await client.call("networkCreate", { Name: "own", IPAM: { Config: [{ Subnet: "10.96.0.0/24" }] } });
  const used: readonly (readonly [EndpointConfig, RegExp])[] = [
    [{ Aliases: ["special"] }, /"Aliases":\["special"\]/],
    [{ MacAddress: "02:00:00:00:00:77" }, /"MacAddress":"02:00:00:00:00:77"/],
    [{ IPAMConfig: { IPv4Address: "10.96.0.77" } }, /"IPAddress":"10\.96\.0\.77"/],
  ];
  const refused: readonly (readonly [network: string, EndpointConfig, RegExp])[] = [
    ["own", { IPAMConfig: { IPv6Address: "2001:db8::1" } }, /no subnet for the IPv6 address 2001:db8::1/],
    ["bridge", { IPAMConfig: { IPv4Address: "10.0.0.7" } }, /supported on user-defined networks only/],
    ["bridge", { Aliases: ["special"] }, /only supported for user-defined networks/],
    ["none", { MacAddress: "02:00:00:00:00:77" }, /mac-address and the network mode/],
  ];
  const fields = [...used.map(([config]) => config), ...refused.map(([, config]) => config)].flatMap(Object.keys);
  t.same([...new Set(fields)].sort(), Object.keys(endpointConfig.entries).sort(), "each field has an entry");
  const create = (network: string, config: EndpointConfig) =>
    client.call("containerCreate", {
      Config: { Image: "busybox", Cmd: ["sh", "-c", forever] },
      HostConfig: { NetworkMode: network },
      NetworkingConfig: { EndpointsConfig: { [network]: config } },
    });
  for (const [config, shows] of used) {
    const { Id } = await create("own", config);
    await client.call("containerStart", { Id });
    t.match(JSON.stringify((await engine.inspect(Id)).NetworkSettings.Networks["own"]), shows);
    await client.call("containerRemove", { Id, Force: true });
    const later = await engine.create(forever, { NetworkMode: "bridge" });
    await client.call("containerStart", { Id: later });
    await client.call("networkConnect", { Id: "own", Container: later, EndpointConfig: config });
    t.match(JSON.stringify((await engine.inspect(later)).NetworkSettings.Networks["own"]), shows);
    await client.call("containerRemove", { Id: later, Force: true });
  }
  for (const [network, config, message] of refused) {
    await t.rejects(create(network, config), { message }, network);
    if (network === "none") continue;
    await client.call("networkCreate", { Name: "first" }).catch(() => {});
    const later = await engine.create("true", { NetworkMode: "first" });
    await t.rejects(client.call("networkConnect", { Id: network, Container: later, EndpointConfig: config }), {
      message,
    });
  }
});

test("every field of networkCreate and volumeCreate has an effect or is refused", async (t) => {
  await using engine = await engineUnderTest({ iptables: true });
  const { client } = engine;
  const network = async (more: object) => {
    const { Id } = await client.call("networkCreate", { Name: `n${Math.random()}`, ...more });
    return JSON.stringify(await client.call("networkInspect", { Id }));
  };
  const subnet = { Subnet: "10.95.0.0/24" };
  t.match(await network({ Internal: true }), '"Internal":true');
  t.match(await network({ IPAM: { Config: [{ ...subnet, Gateway: "10.95.0.7" }] } }), '"Gateway":"10.95.0.7"');
  t.match(await network({ Labels: { special: "1" } }), '"special":"1"');
  t.match(await network({ Options: { "com.docker.network.driver.mtu": "1400" } }), '"1400"');
  const refused: readonly (readonly [object, RegExp])[] = [
    [{ Driver: "special" }, /plugin special/],
    [{ Options: { special: "1" } }, /network option special is not supported/],
    [{ Options: { "com.docker.network.bridge.enable_icc": "perhaps" } }, /must be true or false/],
    [{ IPAM: { Config: [{ Subnet: "10.94.0.0/24", IPRange: "10.93.0.0/26" }] } }, /range 10\.93\.0\.0\/26 is not in/],
  ];
  for (const [more, message] of refused) await t.rejects(network(more), { message });
  t.match(await client.call("volumeCreate", { Name: "special", Labels: { special: "1" } }), {
    Labels: { special: "1" },
  });
  await t.rejects(client.call("volumeCreate", { Driver: "special" }), /plugin "special" not found/);
  await t.rejects(client.call("volumeCreate", { DriverOpts: { o: "x" } }), /invalid option: "o"/);
  const { networkCreate, volumeCreate } = engineContract.methods;
  t.same(Object.keys(networkCreate.request.entries), ["Name", "Driver", "Internal", "IPAM", "Options", "Labels"]);
  t.same(Object.keys(volumeCreate.request.entries), ["Name", "Driver", "DriverOpts", "Labels"]);
});
