import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { debianRedisRootfs } from "../support/debian.ts";
import { startRegistry } from "../support/registry.ts";
import { startStack } from "../support/stack.ts";

test("Debian with redis: imported, pushed, pulled, published, used from outside, its data kept", {
  timeout: 300_000,
}, async (t) => {
  const rootfs = await debianRedisRootfs();
  await using stack = await startStack({ busybox: false });
  const { client, sh } = stack;
  const registry = await startRegistry(stack);
  const layout = `${stack.directory}/oci`;
  const built = await sh(
    `umoci init --layout ${layout} && umoci new --image ${layout}:redis && mkdir ${stack.directory}/b && umoci unpack --image ${layout}:redis ${stack.directory}/b/bundle && tar -xf ${rootfs} -C ${stack.directory}/b/bundle/rootfs && umoci repack --image ${layout}:redis ${stack.directory}/b/bundle && umoci config --image ${layout}:redis --config.user redis --config.cmd redis-server --config.cmd --protected-mode --config.cmd no --config.cmd --dir --config.cmd /var/lib/redis --config.volume /var/lib/redis && skopeo copy -q --insecure-policy --dest-tls-verify=false oci:${layout}:redis docker://${registry}/debian-redis:7`,
  );
  t.equal(built.code, 0, built.stderr);
  const pulled = await client(["pull", `${registry}/debian-redis:7`]);
  t.equal(pulled.code, 0, pulled.stderr);
  const run = await client([
    "run",
    "-d",
    "--name",
    "db",
    "-p",
    "6379:6379",
    "-v",
    "redis:/var/lib/redis",
    `${registry}/debian-redis:7`,
  ]);
  t.equal(run.code, 0, run.stderr);
  const ask = (...args: string[]) => sh(`redis-cli -h 127.0.0.1 -p 6379 ${args.join(" ")}`);
  await waitFor(async () => (await ask("PING")).stdout.trim() === "PONG", { timeoutMs: 15_000, what: "redis" });
  t.equal((await ask("SET", "key", "value")).stdout.trim(), "OK");
  t.equal((await client(["exec", "db", "id", "-un"])).stdout.trim(), "redis");
  await ask("SAVE");
  t.equal((await client(["stop", "db"])).code, 0);
  t.equal(
    (await client(["inspect", "-f", "{{.State.ExitCode}}", "db"])).stdout.trim(),
    "0",
    "it ended by itself, in order",
  );
  await client(["rm", "db"]);
  await client([
    "run",
    "-d",
    "--name",
    "db2",
    "-p",
    "6379:6379",
    "-v",
    "redis:/var/lib/redis",
    `${registry}/debian-redis:7`,
  ]);
  await waitFor(async () => (await ask("GET", "key")).stdout.trim() === "value", {
    timeoutMs: 15_000,
    what: "the kept value",
  });
  const bench = await sh("redis-benchmark -h 127.0.0.1 -p 6379 -q -n 20000 -t set,get");
  t.match(bench.stdout, /GET: [\d.]+ requests per second/);
  await client(["rm", "-f", "-v", "db2"]);
});
