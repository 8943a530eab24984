import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { nativeSys } from "@gantry/native-sys";
import { run, start, tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { connect, freePort, loopback, proxyArgs, readAll, readyProxy, serve, startProxy } from "./support.ts";

const main = join(import.meta.dirname, "../src/main.ts");

test("a port that is taken: 1 and the reason on descriptor 3, exit status 1", async (t) => {
  await using taken = await serve(loopback(), () => {});
  for (const protocol of ["tcp", "udp"]) {
    await using udp = protocol === "udp" ? await readyProxy("udp", { host: taken, target: taken }) : undefined;
    await using proxy = startProxy(proxyArgs(protocol, { host: taken, target: taken }));
    const where = `${taken.ip}:${taken.port}`;
    t.equal(await proxy.report, `1\nlisten ${protocol}4 ${where}: bind: address already in use`);
    t.equal((await proxy.ended).code, 1);
    t.match(proxy.stderr(), "address already in use");
    if (udp) t.equal(udp.stderr(), "");
  }
});

test("an address that is not this machine's is refused the same way", async (t) => {
  const side = { ip: "192.0.2.77", port: 80 };
  await using proxy = startProxy(proxyArgs("tcp", { host: side, target: side }));
  t.match(await proxy.report, /^1\nlisten tcp4 192\.0\.2\.77:80: bind: cannot assign requested address$/i);
  t.equal((await proxy.ended).code, 1);
});

test("a wrong command line names the flag, and is reported on descriptor 3 too", async (t) => {
  const right = proxyArgs("tcp", { host: { ip: "127.0.0.1", port: 80 }, target: { ip: "127.0.0.1", port: 80 } });
  const wrong: [string[], RegExp][] = [
    [["-bogus"], /unknown flag: -bogus/],
    [["-proto", "icmp", ...right.slice(2)], /-proto: must be one of tcp, udp, sctp/],
    [[...right, "-host-port", "70000"], /invalid value "70000" for -host-port/],
    [[...right, "-host-port", "x"], /invalid value "x" for -host-port/],
    [[...right, "-container-ip", "name"], /invalid value "name" for -container-ip/],
    [right.slice(0, 6), /-container-port is missing/],
    [[...right, "more"], /unexpected argument: more/],
  ];
  for (const [args, message] of wrong) {
    await using proxy = startProxy(args);
    t.match(await proxy.report, new RegExp(`^1\n.*${message.source}`), args.join(" "));
    t.equal((await proxy.ended).code, 2);
    t.match(proxy.stderr(), message);
  }
});

test("flags may have two dashes and an equals sign; help and version are answered", async (t) => {
  await using server = await serve(loopback(), (socket) => socket.end("here"));
  const ip = loopback();
  const args = ["--proto=tcp", `--host-ip=${ip}`, "--host-port", "81", `-container-ip=${server.ip}`];
  await using proxy = startProxy([...args, `--container-port=${server.port}`]);
  t.equal(await proxy.report, "0\n");
  t.equal(await readAll(connect(ip, 81)), "here");
  for (const flag of ["-v", "-version", "--version"]) {
    t.match(await run(process.execPath, [main, flag]), { code: 0, stdout: /^port-proxy version \d+\.\d+\.\d+\n$/ });
  }
  t.match(await run(process.execPath, [main, "--help"]), { code: 0, stdout: /Examples:/ });
});

test("it serves without descriptor 3", async (t) => {
  await using server = await serve(loopback(), (socket) => socket.end("here"));
  const host = { ip: loopback(), port: 8080 };
  await using proxy = start(process.execPath, [main, ...proxyArgs("tcp", { host, target: server })]);
  const answer = await waitFor(async () => await readAll(connect(host.ip, host.port)));
  t.equal(answer, "here");
  t.match(readlinkSync(`/proc/${proxy.pid}/fd/3`), "anon_inode:", "Node's own descriptor 3 is left open");
  t.equal(proxy.stderr(), "");
});

test("-use-listen-fd serves the socket that is descriptor 4", async (t) => {
  await using server = await serve(loopback(), (socket) => socket.end("through"));
  const native = nativeSys();
  const ip = loopback();
  const fd = native.inetBind(6, ip, 0);
  native.listen(fd, 16);
  const port = native.socketPort(fd);
  const early = connect(ip, port); // waits in the socket's own queue
  const args = [...proxyArgs("tcp", { host: { ip, port }, target: server }), "-use-listen-fd"];
  await using proxy = startProxy(args, [fd]);
  native.closeFd(fd);
  t.equal(await proxy.report, "0\n");
  t.equal(await readAll(early), "through");
  t.equal(await readAll(connect(ip, port)), "through");
});

test("-use-listen-fd without a socket there is an error", async (t) => {
  const side = { ip: loopback(), port: 80 };
  const args = [...proxyArgs("tcp", { host: side, target: side }), "-use-listen-fd"];
  await using bare = startProxy(args);
  t.match(await bare.report, /^1\n.*descriptor 4 is not a socket/);
  t.equal((await bare.ended).code, 1);
  const nothing = openSync("/dev/null", "r");
  await using odd = startProxy(args, [nothing]);
  closeSync(nothing);
  t.match(await odd.report, /^1\n.*descriptor 4 is not a socket/);
});

test("SIGTERM and SIGINT end it with status 0, its port and connections closed", async (t) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await using server = await serve(loopback(), (socket) => void socket.write("hello"));
    const host = { ip: loopback(), port: 8080 };
    await using proxy = await readyProxy("tcp", { host, target: server });
    const client = connect(host.ip, host.port);
    await once(client, "data");
    proxy.kill(signal);
    t.same(await proxy.ended, { code: 0, signal: null });
    await once(client.resume().end(), "close");
    const [error] = (await once(connect(host.ip, host.port), "error")) as [NodeJS.ErrnoException];
    t.equal(error.code, "ECONNREFUSED");
    await using again = await readyProxy("tcp", { host, target: server });
    t.equal(again.stderr(), "", "the port can be listened on at once");
  }
});

test("sctp is served where the kernel has it, and refused with a reason where not", async (t) => {
  const side = { ip: loopback(), port: await freePort("127.0.0.1") };
  await using proxy = startProxy(proxyArgs("sctp", { host: side, target: side }));
  t.match(await proxy.report, /^(0\n|1\nsctp is not supported by this machine's kernel)$/);
});

test("a plain file as descriptor 3 takes the report as well", async (t) => {
  await using directory = tempDir("proxy");
  await using server = await serve(loopback(), (socket) => socket.end("here"));
  const host = { ip: loopback(), port: 8080 };
  const path = join(directory.path, "status");
  const status = openSync(path, "w+");
  const child = spawn(process.execPath, [main, ...proxyArgs("tcp", { host, target: server })], {
    stdio: ["ignore", "ignore", "ignore", status],
  });
  closeSync(status);
  await waitFor(() => readFileSync(path, "utf8") === "0\n");
  child.kill();
  await once(child, "exit");
  t.pass();
});
