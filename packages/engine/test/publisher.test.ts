import { subscribe } from "node:diagnostics_channel";
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { nativeSys } from "@gantry/native-sys";
import { tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { silent } from "../src/base/log.ts";
import { type Firewall, noFirewall } from "../src/networks/firewall.ts";
import { noFlows } from "../src/networks/flows.ts";
import type { Network } from "../src/networks/network.ts";
import { type PublishedPort, parsePortConfig } from "../src/networks/port-spec.ts";
import { Publisher } from "../src/networks/publisher.ts";

/** A proxy that reports as docker-proxy does. Whatever of it a failed test has left running is killed at the end. */
function proxyProgram() {
  const temp = tempDir("publisher");
  const path = join(temp.path, "proxy");
  const script = `
const net = require("node:net"), fs = require("node:fs");
const value = (name) => process.argv[process.argv.indexOf(name) + 1];
const server = net.createServer();
server.on("error", (error) => {
  fs.writeSync(3, "1\\nlisten: bind: " + (error.code === "EADDRINUSE" ? "address already in use" : error.code));
  process.exit(1);
});
server.listen(Number(value("-host-port")), value("-host-ip"), () => { fs.writeSync(3, "0\\n"); fs.closeSync(3); });
`;
  writeFileSync(`${path}.cjs`, script);
  writeFileSync(path, `#!/bin/sh\nexec ${process.execPath} ${path}.cjs "$@"\n`);
  chmodSync(path, 0o755);
  const commandOf = (pid: string) => (existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/cmdline`, "latin1") : "");
  const left = () => readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandOf(pid).includes(`${path}.cjs`));
  return {
    path,
    async [Symbol.asyncDispose]() {
      for (const pid of left()) process.kill(Number(pid), "SIGKILL");
      await temp[Symbol.asyncDispose]();
    },
  };
}

const publication = {
  containerName: "web",
  network: { name: "bridge", bridge: "gantry0" } as Network,
  containerIp: "127.0.0.9",
};

function publisher(proxyPath: string | undefined, firewall: Firewall = noFirewall): Publisher {
  return new Publisher({ native: nativeSys(), log: silent, proxyPath, firewall, flows: noFlows });
}

async function listen(port: number): Promise<Server & AsyncDisposable> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return Object.assign(server, {
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  });
}

const binding = (port: number) => parsePortConfig({ "80/tcp": [{ HostIp: "127.0.0.1", HostPort: String(port) }] });

test("a proxy is stopped and awaited: its port is free when unpublish resolves", async (t) => {
  await using proxy = proxyProgram();
  const own = publisher(proxy.path);
  for (let time = 0; time < 5; time++) {
    const ports = await own.publish(publication, binding(18321));
    t.ok(existsSync(`/proc/${ports[0]?.proxyPid}`));
    await own.unpublish(publication, ports);
    await using _server = await listen(18321);
  }
});

test("a fixed port that is taken for a moment is tried again; a port that stays taken is reported in time", async (t) => {
  const own = publisher(undefined);
  const holder = await listen(18322);
  const refused = new Promise((resolve) => subscribe("tracing:net.server.listen:error", resolve));
  const publishing = own.publish(publication, binding(18322));
  await refused;
  await holder[Symbol.asyncDispose]();
  const ports = await publishing;
  t.match(ports, [{ hostPort: 18322 }]);
  await own.unpublish(publication, ports);
  await using _again = await listen(18322);
  const begin = performance.now();
  await t.rejects(own.publish(publication, binding(18322)), {
    code: "Internal",
    message:
      /^driver failed programming external connectivity on endpoint web: failed to bind port 127\.0\.0\.1:18322\/tcp: address already in use$/,
  });
  t.ok(performance.now() - begin < 5000);
});

test("of a range of ports the next one is taken at once", async (t) => {
  await using _holder = await listen(18323);
  const own = publisher(undefined);
  const range = parsePortConfig({ "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "18323-18324" }] });
  const ports = await own.publish(publication, range);
  t.match(ports, [{ hostPort: 18324 }]);
  await own.unpublish(publication, ports);
});

test("a port of an earlier engine that cannot be served any more leaves the others published", async (t) => {
  await using proxy = proxyProgram();
  const earlier = publisher(proxy.path);
  const ports = await earlier.publish(publication, [...binding(18325), ...binding(18326)]);
  const [kept, lost] = [18325, 18326].map((port) => ports.find(({ hostPort }) => hostPort === port) as PublishedPort);
  await earlier.unpublish(publication, [lost as PublishedPort]);
  await using _other = await listen(18326);
  const removed: number[] = [];
  const next = publisher(proxy.path, {
    ...noFirewall,
    removePorts: async ({ ports: gone }) => void removed.push(...gone.map(({ hostPort }) => hostPort)),
  });
  t.same(await next.adopt(publication, ports), { served: [kept], lost: [lost] });
  t.same(removed, [18326], "no rule leads to the lost one");
  t.match(readFileSync(`/proc/${kept?.proxyPid}/cmdline`, "latin1"), "18325");
  await next.unpublish(publication, [kept as PublishedPort]);
  await waitFor(() => !existsSync(`/proc/${kept?.proxyPid}`));
});
