import { humanDuration } from "@gantry/common/duration";
import { formatTimestamp, parseTimestamp } from "@gantry/common/timestamp";
import { RpcError } from "@gantry/ipc";
import { deviceNumbers } from "@gantry/native-sys";
import { test } from "tap";
import { matchesLabels } from "../src/base/filters.ts";
import { checkedName, generateName } from "../src/containers/create/names.ts";
import { statusText } from "../src/containers/view/status-text.ts";
import { applyChanges } from "../src/images/changes.ts";
import { AddressPool } from "../src/networks/address-pool.ts";
import { formatAddress, macOf, overlap, parseAddress, parseCidr } from "../src/networks/ipv4.ts";
import { extraHosts, hostsFile, resolverFile } from "../src/networks/name-files.ts";
import { parsePortConfig, portsToPublish } from "../src/networks/port-spec.ts";
import { freeSubnet, parseRoutes } from "../src/networks/subnets.ts";
import { openDatabase } from "../src/store/database.ts";
import { exitCodeFor } from "../src/supervisor/runtime-failure.ts";
import { planMounts } from "../src/volumes/mount-points.ts";
import { parseBind } from "../src/volumes/parse-bind.ts";

test("binds", async (t) => {
  t.match(parseBind("/host//x/../y:/in/:ro"), { source: "/host/y", destination: "/in", readOnly: true });
  t.match(parseBind("vol:/in:nocopy,z"), { source: "vol", destination: "/in", noCopy: true, readOnly: false });
  t.match(parseBind("/in"), { source: "", destination: "/in" });
  t.match(parseBind("/a:/b:rshared,rw"), { propagation: "rshared", readOnly: false });
  for (const [bad, message] of [
    ["/a:/b:ro:x", "invalid volume specification: '/a:/b:ro:x'"],
    ["/a:b", "mount path must be absolute"],
    ["/a:/", "destination can't be '/'"],
    ["/a:/b:ro,rw", "invalid mode: ro,rw"],
    ["/a:/b:", "invalid mode"],
    ["vol:/b:rshared", "invalid mode"],
    [":/b", "invalid volume specification"],
    ["../x:/b", "includes invalid characters for a local volume name"],
  ] as const) {
    t.throws(
      () => parseBind(bad),
      { code: "InvalidArgument", message: new RegExp(message.replace(/[/'.]/g, "\\$&")) },
      bad,
    );
  }
});

test("mounts of all kinds, each destination once", async (t) => {
  const plans = await planMounts(
    { Image: "i", Volumes: { "/anon": {}, "/data": {} } },
    {
      Binds: ["/etc:/data"],
      Mounts: [{ Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 1024, Mode: 0o1777 } }],
      Tmpfs: { "/u": "size=64k,exec" },
    },
  );
  t.match(plans, [
    { Type: "bind", Source: "/etc", Destination: "/data" },
    { Type: "tmpfs", Destination: "/t", TmpfsOptions: ["size=1024", "mode=1777"] },
    { Type: "tmpfs", Destination: "/u", TmpfsOptions: ["size=64k", "exec"] },
    { Type: "volume", Destination: "/anon", Anonymous: true },
  ]);
  await t.rejects(planMounts({ Image: "i" }, { Tmpfs: { "/u": "bogus" } }), /invalid tmpfs option \["bogus"\]/);
  const DriverConfig = { Options: { device: "/dev/sdx" } };
  await t.rejects(
    planMounts({ Image: "i" }, { Mounts: [{ Type: "volume", Target: "/x", VolumeOptions: { DriverConfig } }] }),
    { code: "InvalidArgument", message: /invalid option: "device": the local driver takes none/ },
  );
  await t.rejects(
    planMounts({ Image: "i" }, { Mounts: [{ Type: "volume", Source: "v", Target: "rel" }] }),
    /mount path must be absolute/,
  );
});

test("ports", async (t) => {
  const one = (key: string, binding: { HostIp?: string; HostPort?: string }) =>
    parsePortConfig({ [key]: [binding] })[0];
  t.match(one("80/tcp", { HostPort: "8080" }), {
    protocol: "tcp",
    containerPort: 80,
    hostIp: "",
    first: 8080,
    last: 8080,
  });
  t.match(one("53/udp", { HostIp: "127.0.0.1", HostPort: "5000-5010" }), {
    hostIp: "127.0.0.1",
    first: 5000,
    last: 5010,
  });
  t.match(one("80", { HostIp: "[::1]" }), { hostIp: "::1", first: 0 });
  t.match(parsePortConfig({ "80/tcp": null }), [{ first: 0, last: 0 }]);
  for (const [key, binding] of [
    ["0/tcp", {}],
    ["80/xyz", {}],
    ["80/tcp", { HostPort: "70000" }],
    ["80/tcp", { HostPort: "9-8" }],
    ["80/tcp", { HostIp: "example.org" }],
  ] as const) {
    t.throws(() => one(key, binding), { code: "InvalidArgument" }, `${key} ${JSON.stringify(binding)}`);
  }
  t.match(portsToPublish({ "80/tcp": [{ HostPort: "1" }] }, ["80/tcp", "90-91/udp"], true), [
    { containerPort: 80, first: 1 },
    { containerPort: 90, protocol: "udp", first: 0 },
    { containerPort: 91, protocol: "udp", first: 0 },
  ]);
});

test("addresses and subnets", async (t) => {
  t.equal(formatAddress(parseAddress("255.1.0.9") ?? 0), "255.1.0.9");
  t.same(
    [parseAddress("256.1.1.1"), parseAddress("1.2.3"), parseCidr("1.2.3.4/33")],
    [undefined, undefined, undefined],
  );
  t.match(parseCidr("10.1.2.3/8"), { subnet: { bits: 8 }, address: parseAddress("10.1.2.3") });
  t.equal(macOf(parseAddress("172.30.0.2") ?? 0), "02:42:ac:1e:00:02");
  const subnet = (text: string) => parseCidr(text)?.subnet ?? { base: 0, bits: 0 };
  t.ok(overlap(subnet("10.0.0.0/8"), subnet("10.2.0.0/16")));
  t.notOk(overlap(subnet("10.0.0.0/16"), subnet("10.1.0.0/16")));
  t.same(freeSubnet([subnet("172.30.0.0/16")]), subnet("172.29.0.0/16"));
  t.throws(() => freeSubnet([subnet("0.0.0.0/0")]), { code: "FailedPrecondition" });
  const routes =
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\nlo\t00001EAC\t0\t1\t0\t0\t0\t0000FFFF\neth0\t00000000\t1\t3\t0\t0\t0\t00000000\n";
  t.same(parseRoutes(routes), [subnet("172.30.0.0/16")]);
});

test("addresses are allocated once, reused as late as possible, and durable", async (t) => {
  const database = openDatabase(":memory:");
  const subnet = parseCidr("10.0.0.0/29")?.subnet ?? { base: 0, bits: 0 };
  const request = { network: "n", container: "c", subnet, range: subnet, gateway: subnet.base + 1 };
  const pool = new AddressPool(database);
  const taken = Array.from({ length: 5 }, () => pool.allocate(request) - subnet.base);
  t.same(taken, [2, 3, 4, 5, 6], "without network, gateway and broadcast");
  t.throws(() => pool.allocate(request), { code: "FailedPrecondition", message: /no available IPv4 addresses/ });
  pool.release("n", subnet.base + 3);
  pool.release("n", subnet.base + 5);
  t.throws(() => pool.allocate({ ...request, wanted: subnet.base + 2 }), /Address already in use/);
  t.throws(() => pool.allocate({ ...request, wanted: subnet.base + 9 }), { code: "InvalidArgument" });
  const later = new AddressPool(database);
  t.same(
    later.entries().map(({ address }) => address - subnet.base),
    [2, 4, 6],
  );
  t.equal(later.allocate(request) - subnet.base, 3, "after the last comes the first");
  t.equal(later.allocate(request) - subnet.base, 5);
});

test("hosts and resolver files", async (t) => {
  const hosts = hostsFile(extraHosts(["db:10.0.0.9", "up=host-gateway", "six:[::1]"], "172.30.0.1"), [
    { address: "172.30.0.2", names: ["box"] },
  ]);
  t.match(hosts, /^127\.0\.0\.1\tlocalhost\n/);
  for (const line of ["10.0.0.9\tdb\n", "172.30.0.1\tup\n", "::1\tsix\n", "172.30.0.2\tbox\n"])
    t.ok(hosts.includes(line), line);
  const host = "# comment\nnameserver 127.0.0.53\nnameserver 10.1.1.1\nsearch a.example\noptions ndots:2\n";
  const none = { servers: [], search: [], options: [] };
  t.equal(resolverFile(host, none, true), "nameserver 10.1.1.1\nsearch a.example\noptions ndots:2\n");
  t.match(resolverFile(host, none, false), /127\.0\.0\.53/);
  t.match(resolverFile("nameserver ::1\n", none, true), /8\.8\.8\.8/);
  t.equal(
    resolverFile(host, { servers: ["9.9.9.9"], search: ["."], options: ["x"] }, true),
    "nameserver 9.9.9.9\noptions x\n",
  );
});

test("import changes", async (t) => {
  const config = applyChanges([
    'CMD ["a", "b c"]',
    "entrypoint run it",
    'ENV A=1 B="two words" C=x\\ y',
    "ENV A 2",
    "EXPOSE 80 53/udp",
    "LABEL k='v w'",
    'VOLUME ["/v"]',
    "WORKDIR /srv",
    "WORKDIR sub",
    "USER web",
  ]);
  t.same(config, {
    Cmd: ["a", "b c"],
    Entrypoint: ["/bin/sh", "-c", "run it"],
    Env: ["A=2", "B=two words", "C=x y"],
    ExposedPorts: { "80/tcp": {}, "53/udp": {} },
    Labels: { k: "v w" },
    Volumes: { "/v": {} },
    WorkingDir: "/srv/sub",
    User: "web",
  });
  t.throws(() => applyChanges(["RUN x"]), /is not a valid change command/);
});

test("names, labels, spans, exit codes, times", async (t) => {
  t.equal(checkedName("/web.1_x-y"), "web.1_x-y");
  t.match(generateName(0), /^[a-z]+_[a-z]+$/);
  t.match(generateName(1), /^[a-z]+_[a-z]+\d$/);
  t.ok(matchesLabels({ a: "1", b: "" }, ["a=1", "b"]));
  t.notOk(matchesLabels({ a: "1" }, ["a=2"]));
  t.same([0, 1, 59, 75, 150, 3700, 90000, 1e6].map(humanDuration), [
    "Less than a second",
    "1 second",
    "59 seconds",
    "About a minute",
    "2 minutes",
    "About an hour",
    "25 hours",
    "11 days",
  ]);
  const state = {
    Running: false,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 0,
    ExitCode: 3,
    Error: "",
  };
  const times = { StartedAt: "2026-01-01T00:00:00Z", FinishedAt: "2026-01-01T00:00:10Z" };
  t.equal(
    statusText({ state: { ...state, ...times } }, Date.parse("2026-01-01T00:02:20Z")),
    "Exited (3) 2 minutes ago",
  );
  const failure = (reason: string) => new RpcError("FailedPrecondition", "no such file or directory", { reason });
  t.equal(exitCodeFor(failure("ExecutableNotFound")), 127);
  t.equal(exitCodeFor(failure("ExecutableNotPermitted")), 126);
  t.equal(exitCodeFor(failure("UserNotFound")), 128);
  t.equal(exitCodeFor(new RpcError("Internal", 'exec: "nope": executable file not found in $PATH')), 128);
  t.equal(formatTimestamp(parseTimestamp("2026-01-02T03:04:05.5+01:00") ?? 0n), "2026-01-02T02:04:05.500000000Z");
  t.same(deviceNumbers(0x801), { major: 8, minor: 1 });
});
