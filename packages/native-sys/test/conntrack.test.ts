import { spawnSync } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { test } from "tap";
import { openConntrack } from "../src/netlink/index.ts";

/** The rest of this file runs in a network namespace of its own. */
const mark = "GANTRY_TEST_CONNTRACK";
if (!process.env[mark]) {
  const args = ["--net", process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.exit(spawnSync("unshare", args, { stdio: "inherit", env: { ...process.env, [mark]: "1" } }).status ?? 1);
}
const sh = (command: string) => {
  const { status, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
};
// A rule that depends on the state of connections makes the kernel track them here.
sh("ip link set lo up && ip addr add 192.0.2.1/32 dev lo");
sh("iptables -w -t nat -A OUTPUT -p udp -d 192.0.2.1 --dport 53 -j DNAT --to-destination 127.0.0.1:1053");

const UDP = 17;

async function bound(port: number, address: string): Promise<Socket> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(port, address, resolve));
  return socket;
}

function send(socket: Socket, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send("x", port, address, (error) => (error ? reject(error) : resolve()));
  });
}

test("flows are found by port, source and source of the replies, and deleted one by one", async (t) => {
  const [one, other] = [await bound(40001, "0.0.0.0"), await bound(40002, "0.0.0.0")];
  t.teardown(() => {
    one.close();
    other.close();
  });
  await send(one, 53, "192.0.2.1");
  await send(other, 53, "192.0.2.1");
  await send(other, 54, "127.0.0.1");
  using conntrack = openConntrack();
  const ports = (filter: Parameters<typeof conntrack.flows>[0]) =>
    conntrack
      .flows(filter)
      .map(({ original }) => `${original.sourcePort}>${original.destinationPort}`)
      .sort();
  const port = { protocol: UDP, number: 53 };
  t.same(ports({ port }), ["40001>53", "40002>53"]);
  t.same(ports({ port: { protocol: 6, number: 53 } }), [], "of another protocol");
  t.same(ports({ source: "192.0.2.1", port }), ["40001>53", "40002>53"]);
  t.same(ports({ source: "192.0.2.9" }), []);
  t.match(conntrack.flows({ port })[0], {
    original: { destination: "192.0.2.1", destinationPort: 53, protocol: UDP },
    reply: { source: "127.0.0.1", sourcePort: 1053 },
  });
  const [first] = conntrack.flows({ port }).filter(({ original }) => original.sourcePort === 40001);
  if (!first) throw new Error("no flow");
  conntrack.delete(first);
  conntrack.delete(first);
  t.same(ports({ port }), ["40002>53"]);
  t.same(ports({ replySource: "127.0.0.1" }), ["40002>53", "40002>54"]);
});
