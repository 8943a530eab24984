import { readFileSync } from "node:fs";
import { join } from "node:path";
import { distBin, requires, run, start, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { connect, loopback, proxyArgs, readAll, serve } from "./support.ts";

const binary = join(distBin, "port-proxy");

test("the standalone binary serves, in little memory", async (t) => {
  if (!requires(t, "binary:port-proxy")) return;
  t.match(await run(binary, ["-version"]), { code: 0, stdout: /^port-proxy version / });
  await using server = await serve(loopback(), (socket) => socket.pipe(socket));
  const host = { ip: loopback(), port: 8080 };
  await using proxy = start(binary, proxyArgs("tcp", { host, target: server }), {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  t.equal(await readAll(proxy.child.stdio[3] as NodeJS.ReadableStream), "0\n");
  const client = connect(host.ip, host.port);
  client.end("through the binary");
  t.equal(await readAll(client), "through the binary");
  // Pages of the binary count as dirty until they have been written back, so anonymous memory is measured.
  const anonymous = () =>
    Number(readFileSync(`/proc/${proxy.pid}/smaps_rollup`, "utf8").match(/^Anonymous:\s+(\d+)/m)?.[1]);
  await waitFor(() => anonymous() > 0);
  t.ok(anonymous() < 16_000, `${anonymous()} kB of its own`);
  t.equal(proxy.stderr(), "");
});
