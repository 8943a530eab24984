import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openConntrack } from "@gantry/native-sys/netlink";
import { test } from "tap";
import type { UnderTest } from "./engine-under-test.ts";
import { inOwnNetwork } from "./own-network.ts";

inOwnNetwork();
const { engineUnderTest } = await import("./engine-under-test.ts");
const { forever } = await import("./scripts.ts");
const { run, start, waitFor } = await import("@gantry/testkit");

const directory = mkdtempSync(join(tmpdir(), "gantry-proxy-"));
process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
/** The port proxy from its source. */
const proxyPath = join(directory, "port-proxy");
const proxyMain = join(import.meta.dirname, "../../port-proxy/src/main.ts");
writeFileSync(proxyPath, `#!/bin/sh\nexec ${process.execPath} ${proxyMain} "$@"\n`);
chmodSync(proxyPath, 0o755);

const onBridge = { iptables: true, proxyPath };

async function sh(command: string): Promise<string> {
  const { code, stdout, stderr } = await run("sh", ["-c", command]);
  if (code !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout;
}

/** Runs a command in a container's network. */
function inside(engine: UnderTest, id: string, command: string): Promise<string> {
  return sh(`nsenter --net=${join(engine.state, "netns", id.slice(0, 12))} ${command}`);
}

const rules = async () => (await sh("iptables-save")).split("\n").filter((line) => line.startsWith("-A"));
const links = async () =>
  (await sh("ip -br link"))
    .split("\n")
    .map((line) => line.split(/[@ ]/)[0])
    .filter(Boolean);

test("the default bridge: a container's address, links and default route, all removed after its end", async (t) => {
  await using engine = await engineUnderTest({ ...onBridge, bip: "172.31.7.1/24" });
  t.match(await sh("ip -o -4 addr show dev gantry0"), /172\.31\.7\.1\/24/);
  t.equal(readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8"), "1\n");
  const [before, rulesBefore] = [await links(), await rules()];
  const id = await engine.create(forever, { NetworkMode: "bridge" });
  await engine.client.call("containerStart", { Id: id });
  t.match((await engine.inspect(id)).NetworkSettings, {
    IPAddress: "172.31.7.2",
    Gateway: "172.31.7.1",
    IPPrefixLen: 24,
    MacAddress: "02:42:ac:1f:07:02",
    SandboxKey: join(engine.state, "netns", id.slice(0, 12)),
    Networks: { bridge: { IPAddress: "172.31.7.2" } },
  });
  t.match(await inside(engine, id, "ip -o addr show dev eth0"), /172\.31\.7\.2\/24/);
  t.match(await inside(engine, id, "ip -o link show dev eth0"), /state UP .*link\/ether 02:42:ac:1f:07:02/);
  t.match(await inside(engine, id, "ip route"), /^default via 172\.31\.7\.1 dev eth0/);
  t.match(await inside(engine, id, "ip -o link show dev lo"), /UP/);
  await inside(engine, id, "busybox ping -c1 -W2 172.31.7.1");
  t.match(
    readFileSync(join(engine.root, "containers", id, "hosts"), "utf8"),
    new RegExp(`^172\\.31\\.7\\.2\t${id.slice(0, 12)}$`, "m"),
  );
  const inspected = await engine.client.call("networkInspect", { Id: "bridge" });
  t.match(inspected.Containers[id], { IPv4Address: "172.31.7.2/24", MacAddress: "02:42:ac:1f:07:02" });
  await engine.client.call("containerStop", { Id: id, Timeout: 0 });
  await waitFor(async () => (await links()).length === before.length);
  t.same(await rules(), rulesBefore);
  t.notOk(existsSync(join(engine.state, "netns", id.slice(0, 12))));
});

test("addresses are allocated in order, and released when a container ends", async (t) => {
  await using engine = await engineUnderTest({ ...onBridge, bip: "172.31.7.1/24" });
  const seen: string[] = [];
  const id = await engine.create(forever, { NetworkMode: "bridge" });
  for (let i = 0; i < 3; i++) {
    await engine.client.call("containerStart", { Id: id });
    seen.push((await engine.inspect(id)).NetworkSettings.IPAddress);
    await engine.client.call("containerStop", { Id: id, Timeout: 0 });
  }
  t.same(seen, ["172.31.7.2", "172.31.7.3", "172.31.7.4"]);
  t.equal((await engine.inspect(id)).NetworkSettings.IPAddress, "");
});

test("a published port reaches the container, from the host through the proxy, and is closed with it", async (t) => {
  await using engine = await engineUnderTest(onBridge);
  const rulesBefore = await rules();
  const id = await engine.create(forever, {
    NetworkMode: "bridge",
    PortBindings: { "80/tcp": [{ HostPort: "18080" }], "81/tcp": [{ HostIp: "127.0.0.1" }] },
  });
  await engine.client.call("containerStart", { Id: id });
  const { IPAddress, Gateway, Ports } = (await engine.inspect(id)).NetworkSettings;
  t.same(Ports["80/tcp"]?.[0], { HostIp: "0.0.0.0", HostPort: "18080" });
  t.match(Ports["81/tcp"]?.[0], { HostIp: "127.0.0.1", HostPort: /^(49|5\d|6[0-5])\d{3}$/ });
  const web = join(engine.state, "netns", id.slice(0, 12));
  await using _server = start("nsenter", [`--net=${web}`, "busybox", "httpd", "-f", "-p", "80", "-h", directory]);
  await waitFor(async () => (await sh("busybox wget -qO- http://127.0.0.1:18080/port-proxy")).includes("port-proxy"));
  t.match(
    await inside(engine, id, `busybox wget -qO- http://${Gateway}:18080/port-proxy`),
    /exec/,
    "from the container itself",
  );
  const added = (await rules()).filter((rule) => !rulesBefore.includes(rule));
  t.match(added.join("\n"), `--dport 18080 -j DNAT --to-destination ${IPAddress}:80`);
  t.match((await engine.client.call("containerList", {})).Containers[0]?.Ports, [
    { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 18080, Type: "tcp" },
  ]);
  await engine.client.call("containerRemove", { Id: id, Force: true });
  await waitFor(async () => (await listeners()).length === 0);
  t.same(await rules(), rulesBefore);
});

test("without proxies the rules alone serve a published port, which no other process can bind", async (t) => {
  await using engine = await engineUnderTest({ iptables: true, proxyPath: undefined });
  const id = await engine.create(forever, {
    NetworkMode: "bridge",
    PortBindings: { "80/tcp": [{ HostPort: "18090" }] },
  });
  await engine.client.call("containerStart", { Id: id });
  await using _server = start("nsenter", [
    `--net=${join(engine.state, "netns", id.slice(0, 12))}`,
    ...["busybox", "httpd", "-f", "-p", "80", "-h", directory],
  ]);
  const fetch = "timeout 3 busybox wget -qO- http://";
  await waitFor(async () => (await sh(`${fetch}127.0.0.1:18090/port-proxy`)).includes("exec"));
  const { Gateway } = (await engine.inspect(id)).NetworkSettings;
  t.match(await inside(engine, id, `${fetch}${Gateway}:18090/port-proxy`), /exec/, "from the container itself");
  await t.rejects(sh("busybox httpd -f -p 127.0.0.1:18090"), /in use/);
  await engine.client.call("containerRemove", { Id: id, Force: true });
  await waitFor(async () => (await listeners()).length === 0);
});

/** Sends a datagram every 50 ms from one port for as long as it runs, and prints each answer. */
const askForever = `
const socket = require("node:dgram").createSocket("udp4");
socket.on("message", (answer) => console.log(String(answer)));
socket.bind(40000, () => setInterval(() => socket.send("?", 5300, "10.98.0.1"), 50));`;

/** Answers every datagram with its name. */
const answerAs = (name: string) => `
const socket = require("node:dgram").createSocket("udp4");
socket.on("message", (_, from) => socket.send("${name}", from.port, from.address));
socket.bind(53);`;

for (const [kind, proxy] of [
  ["the rules alone", undefined],
  ["a proxy", proxyPath],
] as const) {
  test(`a client that keeps sending from one UDP port reaches each next container: ${kind}`, async (t) => {
    await using engine = await engineUnderTest({ iptables: true, proxyPath: proxy });
    await using outside = start("unshare", ["--net", "sleep", "1000"]);
    const { pid = 0 } = outside.child;
    await waitFor(async () => (await sh(`readlink /proc/${pid}/ns/net`)) !== (await sh("readlink /proc/self/ns/net")));
    await sh(
      `ip link add out type veth peer name eth0 netns ${pid} && ip addr add 10.98.0.1/24 dev out && ip link set out up`,
    );
    await sh(`nsenter -t ${pid} -n sh -c "ip addr add 10.98.0.2/24 dev eth0 && ip link set eth0 up"`);
    await using client = start("nsenter", ["-t", String(pid), "-n", process.execPath, "-e", askForever]);
    // Its traffic begins before the port is published.
    await waitFor(isTracked);
    for (const name of ["first", "second"]) {
      const id = await engine.create(forever, {
        NetworkMode: "bridge",
        PortBindings: { "53/udp": [{ HostPort: "5300" }] },
      });
      await engine.client.call("containerStart", { Id: id });
      const netns = `--net=${join(engine.state, "netns", id.slice(0, 12))}`;
      await using _server = start("nsenter", [netns, process.execPath, "-e", answerAs(name)]);
      await waitFor(() => client.stdout().split("\n").at(-2) === name, { what: `an answer of the ${name} one` });
      await engine.client.call("containerRemove", { Id: id, Force: true });
    }
    await sh("ip link del out");
    t.pass();
  });
}

/** Whether the kernel tracks the client's datagrams. */
function isTracked(): boolean {
  using conntrack = openConntrack();
  return conntrack.flows({ port: { protocol: 17, number: 5300 } }).length > 0;
}

test("a published port that the next engine cannot serve is published again once it is free", async (t) => {
  await using engine = await engineUnderTest(onBridge);
  const id = await engine.create(forever, {
    NetworkMode: "bridge",
    PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "18085" }] },
  });
  await engine.client.call("containerStart", { Id: id });
  const before = await rules();
  const published = async () => (await engine.inspect(id)).NetworkSettings.Ports["80/tcp"];
  const holder = createServer();
  await engine.restart(async () => {
    const proxy = /pid=(\d+)/.exec((await listeners()).find((line) => line.includes(":18085")) ?? "")?.[1];
    process.kill(Number(proxy), "SIGKILL");
    await waitFor(
      () =>
        new Promise<boolean>((resolve) =>
          holder.once("error", () => resolve(false)).listen(18085, "127.0.0.1", () => resolve(true)),
        ),
    );
  });
  t.notOk(await published());
  t.notMatch((await rules()).join("\n"), "--dport 18085");
  await new Promise<void>((resolve) => holder.close(() => resolve()));
  await waitFor(async () => (await published())?.[0]?.HostPort === "18085", { timeoutMs: 15_000 });
  t.same((await rules()).sort(), before.sort());
  await engine.client.call("containerRemove", { Id: id, Force: true });
});

test("a taken port fails with Docker's message, and all of the start is undone", async (t) => {
  await using engine = await engineUnderTest(onBridge);
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(18081, "0.0.0.0", resolve));
  const [rulesBefore, linksBefore] = [await rules(), await links()];
  const publish = (ports: string[]) =>
    engine.create(forever, {
      NetworkMode: "bridge",
      PortBindings: Object.fromEntries(ports.map((port, i) => [`${80 + i}/tcp`, [{ HostPort: port }]])),
    });
  const first = await publish(["18083", "18081"]);
  await t.rejects(engine.client.call("containerStart", { Id: first }), {
    message:
      /^driver failed programming external connectivity on endpoint \S+: failed to bind port 0\.0\.0\.0:18081\/tcp: address already in use/,
  });
  t.equal((await engine.inspect(first)).State.Status, "created");
  t.same(await rules(), rulesBefore);
  await waitFor(async () => (await links()).length === linksBefore.length);
  await waitFor(async () => (await listeners()).length === 0);
  const second = await publish(["18082"]);
  await engine.client.call("containerStart", { Id: second });
  const third = await publish(["18082"]);
  await t.rejects(engine.client.call("containerStart", { Id: third }), {
    message: /Bind for 0\.0\.0\.0:18082 failed: port is already allocated/,
  });
  holder.close();
});

test("proxies and rules outlive the engine, and the next one adopts them", async (t) => {
  await using engine = await engineUnderTest(onBridge);
  const id = await engine.create(forever, {
    NetworkMode: "bridge",
    PortBindings: { "80/tcp": [{ HostPort: "18084" }] },
  });
  const ended = await engine.create(forever, {
    NetworkMode: "bridge",
    PortBindings: { "80/tcp": [{ HostPort: "18085" }] },
  });
  for (const Id of [id, ended]) await engine.client.call("containerStart", { Id });
  const [rulesBefore, before] = [await rules(), await listeners()];
  t.ok(before.some((line) => line.includes(":18084")));
  const { State, NetworkSettings } = await engine.inspect(ended);
  const { Pid } = State;
  const { IPAddress } = NetworkSettings;
  await engine.restart(async () => {
    t.same(await listeners(), before, "while no engine runs");
    await sh("iptables -F GANTRY-PORTS; iptables -t nat -F GANTRY");
    process.kill(-Pid, "SIGKILL");
    await waitFor(() => !existsSync(`/proc/${Pid}`));
  });
  t.same(
    (await listeners()).filter((line) => line.includes(":18084")),
    before.filter((line) => line.includes(":18084")),
  );
  await waitFor(async () => !(await listeners()).some((line) => line.includes(":18085")));
  t.same(
    await rules(),
    rulesBefore.filter((rule) => !rule.includes("18085") && !rule.includes(`${IPAddress}/32`)),
  );
  await engine.client.call("containerRemove", { Id: id, Force: true });
  await waitFor(async () => (await listeners()).length === 0);
});

test("a user-defined network: bridge, names of the neighbours, connect and disconnect, removal", async (t) => {
  await using engine = await engineUnderTest(onBridge);
  const { client } = engine;
  const { Id: network } = await client.call("networkCreate", {
    Name: "back",
    IPAM: { Config: [{ Subnet: "10.9.8.0/24" }] },
  });
  const bridge = `br-${network.slice(0, 12)}`;
  t.match(await sh(`ip -o -4 addr show dev ${bridge}`), /10\.9\.8\.1\/24/);
  await t.rejects(client.call("networkCreate", { Name: "back" }), { code: "AlreadyExists" });
  await t.rejects(
    client.call("networkCreate", { Name: "b2", IPAM: { Config: [{ Subnet: "10.9.8.128/25" }] } }),
    /Pool overlaps/,
  );
  const db = await engine.create(forever, { NetworkMode: "back" }, { Name: "db" });
  const web = await engine.create(forever, { NetworkMode: "back" }, { Name: "web" });
  const apart = await engine.create(forever, { NetworkMode: "bridge" }, { Name: "apart" });
  for (const Id of [db, web, apart]) await client.call("containerStart", { Id });
  const hosts = (id: string) => readFileSync(join(engine.root, "containers", id, "hosts"), "utf8");
  t.match(hosts(web), /^10\.9\.8\.2\tdb /m);
  await waitFor(() => /^10\.9\.8\.3\tweb /m.test(hosts(db)), {
    what: "the neighbour that started first gets the name",
  });
  await inside(engine, web, "busybox ping -c1 -W2 10.9.8.2");
  await t.rejects(inside(engine, apart, "busybox ping -c1 -W1 10.9.8.2"), "networks are kept apart");
  await client.call("networkConnect", { Id: "back", Container: "apart" });
  await inside(engine, apart, "busybox ping -c1 -W2 10.9.8.2");
  t.match(await inside(engine, apart, "ip -o -4 addr show dev eth1"), /10\.9\.8\.4\/24/);
  await t.rejects(client.call("networkRemove", { Id: "back" }), {
    code: "FailedPrecondition",
    message: /has active endpoints/,
  });
  await client.call("networkDisconnect", { Id: "back", Container: "apart" });
  await t.rejects(inside(engine, apart, "busybox ping -c1 -W1 10.9.8.2"));
  for (const Id of [db, web]) await client.call("containerRemove", { Id, Force: true });
  await client.call("networkRemove", { Id: "back" });
  t.notOk((await links()).includes(bridge));
  t.notOk((await rules()).some((rule) => rule.includes(bridge)));
  await t.rejects(client.call("networkRemove", { Id: "bridge" }), { code: "PermissionDenied", message: /pre-defined/ });
});

test("host, none and another container's network", async (t) => {
  await using engine = await engineUnderTest(onBridge);
  const namespacesOf = (id: string) => {
    const linux = engine.standIn.specs.get(id)?.["linux"] as
      | { namespaces: { type: string; path?: string }[] }
      | undefined;
    return linux?.namespaces.find(({ type }) => type === "network");
  };
  const none = await engine.create(forever, { NetworkMode: "none" });
  const host = await engine.create(forever, { NetworkMode: "host" });
  const other = await engine.create(forever, { NetworkMode: `container:${none}` });
  for (const Id of [none, host, other]) await engine.client.call("containerStart", { Id });
  t.equal((await inside(engine, none, "ip -br link")).trim().split("\n").length, 1);
  t.match(await inside(engine, none, "ip -br link"), /^lo .*UP/);
  t.equal(namespacesOf(host), undefined);
  t.same(namespacesOf(other), { type: "network", path: `/proc/${(await engine.inspect(none)).State.Pid}/ns/net` });
  const late = await engine.create(forever, { NetworkMode: `container:${none}` });
  await engine.client.call("containerKill", { Id: none });
  await waitFor(async () => (await engine.inspect(none)).State.Status === "exited");
  await t.rejects(
    engine.client.call("containerStart", { Id: late }),
    /cannot join network namespace of a non running container/,
  );
});

/** Listening TCP sockets of the proxies' ports. */
async function listeners(): Promise<string[]> {
  const lines = (await sh("ss -Hltnp")).split("\n");
  return lines.filter((line) => /port-proxy|:18\d{3}\b/.test(line) && !line.includes(":18081")).sort();
}
