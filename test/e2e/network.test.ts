import { buildProbe, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { fileStack } from "../support/file-stack.ts";

const stack = await fileStack();
const { client, sh } = stack;
const web = "mkdir /www; echo served by $(hostname) > /www/index.html; exec httpd -f -p 80 -h /www";

test("containers on the bridge have an address and a gateway, and reach each other", async (t) => {
  await client(["run", "-d", "--name", "web", "busybox", "sh", "-c", web]);
  const { stdout } = await client([
    "inspect",
    "-f",
    "{{.NetworkSettings.IPAddress}} {{.NetworkSettings.Gateway}}",
    "web",
  ]);
  const [address, gateway] = stdout.trim().split(" ") as [string, string];
  t.match((await sh("ip -4 -o addr show gantry0")).stdout, new RegExp(`inet ${gateway.replaceAll(".", "\\.")}/`));
  const fetched = await waitFor(async () => {
    const result = await client(["run", "--rm", "busybox", "wget", "-q", "-O-", `http://${address}/`]);
    return result.code === 0 && result.stdout;
  });
  t.match(fetched, /^served by [0-9a-f]{12}$/m);
  await client(["rm", "-f", "web"]);
});

test("a published port answers from outside and on loopback, and is closed with the container", async (t) => {
  const run = await client([
    "run",
    "-d",
    "--name",
    "pub",
    "-p",
    "8080:80",
    "-p",
    "127.0.0.1:8081:80",
    "busybox",
    "sh",
    "-c",
    web,
  ]);
  t.equal(run.code, 0, run.stderr);
  for (const url of ["http://127.0.0.1:8080/", "http://127.0.0.1:8081/", "http://[::1]:8080/"]) {
    const body = await waitFor(async () => (await sh(`curl -s -m 2 '${url}'`)).stdout, { what: url });
    t.match(body, /served by/, url);
  }
  t.match((await client(["port", "pub"])).stdout, /80\/tcp -> 0\.0\.0\.0:8080/);
  t.match((await client(["ps", "--format", "{{.Ports}}"])).stdout, /0\.0\.0\.0:8080->80\/tcp/);
  t.match((await sh("iptables-save -t nat")).stdout, /--dport 8080 .*DNAT/);
  // From another host: a namespace behind a veth pair.
  await sh(
    "ip netns add outside && ip link add to-out type veth peer name eth0 netns outside && ip addr add 10.99.0.1/24 dev to-out && ip link set to-out up && ip -n outside addr add 10.99.0.2/24 dev eth0 && ip -n outside link set eth0 up",
  );
  t.match((await sh("ip netns exec outside curl -s -m 3 http://10.99.0.1:8080/")).stdout, /served by/);
  await sh("ip link del to-out; ip netns del outside");
  await client(["rm", "-f", "pub"]);
  t.notMatch((await sh("iptables-save")).stdout, /8080/);
  t.equal((await sh("ss -ltnH | grep -c ':808[01]'")).stdout.trim(), "0");
});

test("a taken port is refused with a message, and nothing is left behind", async (t) => {
  await client(["run", "-d", "--name", "first", "-p", "8090:80", "busybox", "sleep", "1000"]);
  const second = await client(["run", "-d", "--name", "second", "-p", "8090:80", "busybox", "sleep", "1000"]);
  t.equal(second.code, 125);
  t.match(second.stderr, /8090.*(already allocated|already in use)/);
  t.equal((await client(["inspect", "-f", "{{.State.Running}}", "second"])).stdout.trim(), "false");
  await client(["rm", "-f", "first", "second"]);
  t.equal((await sh("ip -o link show type veth")).stdout, "");
});

test("none has loopback alone, host has the host's", async (t) => {
  t.equal((await client(["run", "--rm", "--network", "none", "busybox", "ls", "/sys/class/net"])).stdout.trim(), "lo");
  t.match((await client(["run", "--rm", "--network", "host", "busybox", "ip", "addr"])).stdout, /gantry0/);
});

test("UDP is published too", async (t) => {
  const flags = ["-p", "5353:53/udp", "-v", `${buildProbe()}:/probe:ro`];
  const run = await client(["run", "-d", "--name", "udp", ...flags, "busybox", "/probe", "udp-echo", "53"]);
  t.equal(run.code, 0, run.stderr);
  await waitFor(async () => (await client(["logs", "udp"])).stdout === "ready\n");
  const ask =
    "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(3); s.sendto(b'ping', ('127.0.0.1', 5353)); print(s.recv(99).decode())";
  t.equal((await sh(`python3 -c "${ask}"`)).stdout, "ping\n");
  await client(["rm", "-f", "udp"]);
});

test("a user-defined network: create, use, list, remove", async (t) => {
  t.match((await client(["network", "create", "--subnet", "10.77.0.0/24", "own"])).stdout, /^[0-9a-f]{64}\n$/);
  const { stdout } = await client(["run", "--rm", "--network", "own", "busybox", "ip", "-4", "addr", "show", "eth0"]);
  t.match(stdout, /inet 10\.77\.0\.\d+\/24/);
  t.match((await client(["network", "ls"])).stdout, /own\s+bridge\s+local/);
  t.equal((await client(["network", "rm", "own"])).code, 0);
  t.not((await client(["run", "--rm", "--network", "own", "busybox", "true"])).code, 0);
});

test("networks of a running container are connected and disconnected in any order, and it keeps a default route", async (t) => {
  await client(["network", "create", "one"]);
  await client(["network", "create", "two"]);
  await client(["run", "-d", "--name", "moved", "--network", "one", "busybox", "sleep", "300"]);
  const change = async (verb: string, network: string) => {
    const result = await client(["network", verb, network, "moved"]);
    t.equal(result.code, 0, `${verb} ${network}: ${result.stderr}`);
  };
  const inside = async (command: string) => (await client(["exec", "moved", "sh", "-c", command])).stdout.trim();
  await change("connect", "two");
  await change("disconnect", "two");
  await change("connect", "bridge");
  t.equal(await inside("ip -4 -o addr | grep -c ' eth'"), "2");
  await change("disconnect", "one");
  t.equal(await inside("ip route | grep -c '^default via 172'"), "1", "by the network that is left");
  await change("disconnect", "bridge");
  t.equal(await inside("ip route"), "");
  await change("connect", "two");
  t.equal(await inside("ip route | grep -c ^default"), "1");
  await client(["rm", "-f", "moved"]);
  await client(["run", "-d", "--name", "moved", "--network", "none", "busybox", "sleep", "300"]);
  await change("disconnect", "none");
  await change("connect", "two");
  t.equal(await inside("ip route | grep -c ^default"), "1");
  await client(["rm", "-f", "moved"]);
  t.equal((await client(["network", "rm", "one", "two"])).code, 0);
});

test("a rename reaches /etc/hosts inside the neighbours, and the lines added there stay", async (t) => {
  await client(["network", "create", "names"]);
  for (const name of ["left", "right"])
    await client(["run", "-d", "--name", name, "--network", "names", "busybox", "sleep", "300"]);
  const inside = async (command: string) => (await client(["exec", "left", "sh", "-c", command])).stdout;
  await inside("echo 1.2.3.4 own >> /etc/hosts");
  await client(["rename", "right", "renamed"]);
  t.match(await inside("ping -c1 -W3 renamed"), /1 packets received/);
  t.equal(await inside("grep -c '[[:space:]]right ' /etc/hosts"), "0\n");
  await client(["rm", "-f", "renamed"]);
  await waitFor(async () => (await inside("grep -c renamed /etc/hosts")) === "0\n");
  t.equal(await inside("grep own /etc/hosts"), "1.2.3.4 own\n");
  await client(["rm", "-f", "left"]);
  await client(["network", "rm", "names"]);
});
