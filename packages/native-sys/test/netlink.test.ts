import { openSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { Fd, isSystemError, MNT_DETACH } from "../src/index.ts";
import { openRoute, type RouteClient, rtnetlink } from "../src/netlink/index.ts";
import { native, output, privateMounts, type Teardown, temporaryDirectory, thrownBy } from "./support.ts";

privateMounts();

interface Namespace {
  readonly path: string;
  readonly route: RouteClient;
  /** The output of `ip` inside it. */
  ip(...argv: string[]): Record<string, unknown>[];
}

function makeNamespace(t: Teardown): Namespace {
  const path = join(temporaryDirectory(t), "made/net");
  native.createNetns(path);
  const route = openRoute(path);
  t.teardown(() => {
    route.close();
    native.umount(path, MNT_DETACH);
  });
  const ip = (...argv: string[]) => JSON.parse(output("nsenter", `--net=${path}`, "ip", "-d", "-j", ...argv));
  return { path, route, ip };
}

test("a new namespace has nothing but a loopback, and this process stays in its own", async (t) => {
  const before = output("readlink", "/proc/self/ns/net");
  const { route, ip } = makeNamespace(t);
  t.same(
    route.links().map((link) => link.name),
    ["lo"],
  );
  t.equal(ip("link").length, 1);
  t.equal(output("readlink", "/proc/self/ns/net"), before);
});

test("a container's network in three batches", async (t) => {
  const host = makeNamespace(t);
  const inside = makeNamespace(t);
  using space = new Fd(openSync(inside.path, "r"));
  host.route.linkAddBridge({ name: "bridge0", index: 10, up: true, mac: "02:42:0a:00:00:01" });
  host.route.addressAdd({ link: 10, address: "10.9.0.1/16", broadcast: "10.9.255.255" });
  const peer = { name: "eth0", index: 2, mac: "02:42:0a:09:00:02", netnsFd: space.number, mtu: 1400 };
  host.route.batch([
    rtnetlink.linkAddVeth({ name: "veth0", up: true, master: 10, mtu: 1400, peer }),
    rtnetlink.linkSetHairpin("veth0", true),
  ]);
  inside.route.batch([
    rtnetlink.linkSet("lo", { up: true }),
    rtnetlink.linkSet(2, { up: true }),
    rtnetlink.addressAdd({ link: 2, address: "10.9.0.2/16", broadcast: "10.9.255.255" }),
    rtnetlink.addressAdd({ link: 2, address: "fd00:9::2/64", noDad: true }),
    rtnetlink.routeAddDefault("10.9.0.1"),
  ]);
  t.match(host.ip("link", "show", "veth0")[0], {
    master: "bridge0",
    mtu: 1400,
    linkinfo: { info_kind: "veth", info_slave_kind: "bridge", info_slave_data: { hairpin: true } },
  });
  const eth0 = inside.ip("addr", "show", "eth0")[0];
  t.match(eth0, { ifindex: 2, mtu: 1400, address: "02:42:0a:09:00:02", flags: /UP/ });
  t.match(JSON.stringify(eth0), /"local":"10\.9\.0\.2","prefixlen":16,"broadcast":"10\.9\.255\.255"/);
  t.match(JSON.stringify(eth0), /"local":"fd00:9::2","prefixlen":64/);
  t.match(inside.ip("route", "show", "default"), [{ dst: "default", gateway: "10.9.0.1", dev: "eth0" }]);
  output(
    "nsenter",
    `--net=${inside.path}`,
    "ip",
    "neigh",
    "replace",
    "10.9.0.1",
    "lladdr",
    "02:42:0a:00:00:01",
    "dev",
    "eth0",
  );
});

test("entries can be read back, changed and deleted", async (t) => {
  const { route, ip } = makeNamespace(t);
  route.linkAddBridge({ name: "link0", mtu: 1234, mac: "02:00:00:00:00:01" });
  const link = route.linkByName("link0");
  t.match(link, { kind: "bridge", up: false, mtu: 1234, mac: "02:00:00:00:00:01", master: 0 });
  const index = link?.index ?? 0;
  route.linkRename(index, "renamed");
  route.linkSetUp("renamed");
  t.match(route.linkByIndex(index), { name: "renamed", up: true });
  t.equal(route.linkByName("link0"), undefined);
  t.equal(route.linkByIndex(999), undefined);
  route.addressAdd({ link: index, address: "192.0.2.1/24" });
  route.routeAdd({ destination: "198.51.100.0/24", gateway: "192.0.2.254", metric: 7 });
  route.routeAdd({ destination: "203.0.113.0/24", link: index, table: 1000 });
  t.match(
    route.addresses(index).find((address) => address.family === "inet"),
    { address: "192.0.2.1/24", label: "renamed" },
  );
  const routes = route.routes();
  t.match(
    routes.find((each) => each.destination === "198.51.100.0/24"),
    { gateway: "192.0.2.254", metric: 7, link: index, table: 254 },
  );
  t.match(
    routes.find((each) => each.destination === "203.0.113.0/24"),
    { link: index, table: 1000 },
  );
  t.match(ip("route", "show", "198.51.100.0/24"), [{ gateway: "192.0.2.254", metric: 7 }]);
  route.routeDelete({ destination: "198.51.100.0/24" });
  t.same(ip("route", "show", "198.51.100.0/24"), []);
  route.addressDelete({ link: index, address: "192.0.2.1/24" });
  t.same(
    route.addresses(index).filter((address) => address.family === "inet"),
    [],
  );
  route.linkSetDown(index);
  route.linkDelete("renamed");
  t.equal(route.linkByIndex(index), undefined);
});

test("refusals have the request's name, an errno, and the kernel's message", async (t) => {
  const { route } = makeNamespace(t);
  route.linkAddBridge({ name: "link0" });
  t.match(
    thrownBy(() => route.linkAddBridge({ name: "link0" })),
    { code: "EEXIST", errno: 17, message: /^add link link0: EEXIST/ },
  );
  const unreachable = thrownBy(() => route.routeAddDefault("192.0.2.1"));
  t.ok(isSystemError(unreachable, "ENETUNREACH"));
  t.match(unreachable?.message, /^add route default via 192\.0\.2\.1: .*\(Nexthop has invalid gateway\)$/);
  t.throws(() => route.linkAddBridge({ name: "a-name-too-long-for-a-link" }), /1 to 15 bytes/);
  t.throws(() => route.addressAdd({ link: 1, address: "192.0.2.1/33" }), /prefix length of 0 to 32/);
});

test("a batch continues after a failure and reports the first", async (t) => {
  const { route } = makeNamespace(t);
  const batch = () =>
    route.batch([
      rtnetlink.linkDelete("none1"),
      rtnetlink.linkAddBridge({ name: "kept" }),
      rtnetlink.linkDelete("none2"),
    ]);
  t.match(thrownBy(batch), { code: "ENODEV", message: /^delete link none1/ });
  t.match(route.linkByName("kept"), { kind: "bridge" });
});

test("a list longer than one datagram comes whole", async (t) => {
  const { route } = makeNamespace(t);
  const names = Array.from({ length: 200 }, (_, i) => `link${i}`);
  route.batch(names.map((name) => rtnetlink.linkAddBridge({ name })));
  t.same(
    route.links().map((link) => link.name),
    ["lo", ...names],
  );
});

test("a namespace that is not there, or is none", async (t) => {
  const path = join(temporaryDirectory(t), "none");
  t.match(
    thrownBy(() => openRoute(path)),
    { code: "ENOENT", path },
  );
  t.match(
    thrownBy(() => openRoute("/dev/null")),
    { code: "EINVAL", syscall: "setns" },
  );
});
