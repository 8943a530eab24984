import { readFileSync } from "node:fs";
import { childrenOf, processesOf, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { isAlive, killAndWait, type Stack, startStack } from "../support/stack.ts";

test("kill -9 of the OCI runtime's workers: no caller notices", async (t) => {
  await using stack = await startStack();
  const { client } = stack;
  const standby = () => processesOf(stack.scope).filter(({ commandLine }) => /oci-runtime.worker/.test(commandLine));
  await waitFor(() => standby().length === 2, { what: "two standby workers" });
  for (const { pid } of standby()) await killAndWait(pid);
  t.equal((await client(["run", "--rm", "busybox", "echo", "after standby"])).stdout, "after standby\n");

  await client(["run", "-d", "--name", "box", "busybox", "sleep", "1000"]);
  const shim = await stack.shimOf("box");
  for (const pid of childrenOf(shim)) if (commandOf(pid).includes("worker")) await killAndWait(pid);
  t.equal((await client(["exec", "box", "echo", "after use"])).stdout, "after use\n");
  for (let round = 0; round < 3; round++) {
    t.equal((await client(["exec", "box", "echo", `${round}`])).stdout, `${round}\n`);
    for (const pid of childrenOf(shim)) if (commandOf(pid).includes("worker")) await killAndWait(pid);
  }
  t.equal((await client(["stop", "-t", "0", "box"])).code, 0);
  t.equal((await client(["start", "box"])).code, 0);
  t.equal((await client(["rm", "-f", "box"])).code, 0);
});

test("kill -9 of standby shims: others take their place, nothing of them is left", async (t) => {
  await using stack = await startStack();
  const { client } = stack;
  const standby = () => processesOf(stack.scope).filter(({ commandLine }) => /\/shim$/.test(commandLine));
  await waitFor(() => standby().length === 2, { what: "two standby shims" });
  const killed = standby().map(({ pid }) => pid);
  for (const pid of killed) process.kill(pid, "SIGKILL");
  t.equal((await client(["run", "--rm", "busybox", "echo", "at once"])).stdout, "at once\n");
  await waitFor(() => standby().length === 2, { timeoutMs: 10_000, what: "two new ones" });
  t.notOk(standby().some(({ pid }) => killed.includes(pid)));
  const directories = async () => (await stack.sh(`ls ${stack.state}/supervisor/shims | wc -l`)).stdout.trim();
  await waitFor(async () => (await directories()) === "2", { what: "the dead ones' directories are gone" });
});

test("kill -9 of a proxy: the rules serve the port, and the port comes back with the next start", async (t) => {
  await using stack = await startStack();
  const { client, sh } = stack;
  const web = "mkdir /www; echo alive > /www/index.html; exec httpd -f -p 80 -h /www";
  await client(["run", "-d", "--name", "web", "-p", "8080:80", "busybox", "sh", "-c", web]);
  const address = (await client(["inspect", "-f", "{{.NetworkSettings.IPAddress}}", "web"])).stdout.trim();
  const body = async (to: string) => (await sh(`curl -s -m 2 http://${to}/`)).stdout;
  await waitFor(async () => (await body(`${address}:80`)) === "alive\n");
  t.ok(proxies(stack).length > 0);
  for (const pid of proxies(stack)) await killAndWait(pid);
  t.equal((await client(["inspect", "-f", "{{.State.Running}}", "web"])).stdout, "true\n");
  t.equal(await body(`${address}:80`), "alive\n", "the container goes on");
  const taken = await client(["run", "-d", "--name", "late", "-p", "8080:80", "busybox", "sleep", "9"]);
  t.not(taken.code, 0, "the port is still web's");
  t.match(taken.stderr, /port is already allocated/);
  t.equal((await client(["restart", "-t", "0", "web"])).code, 0);
  await waitFor(async () => (await body("127.0.0.1:8080")) === "alive\n", { what: "the port answers again" });
  for (const pid of proxies(stack)) await killAndWait(pid);
  await stack.restartEngine();
  await waitFor(async () => (await body("127.0.0.1:8080")) === "alive\n", { what: "a new engine serves the port" });
  t.equal((await client(["rm", "-f", "web", "late"])).code, 0);
  t.same(proxies(stack), []);
});

function proxies(stack: Stack): number[] {
  return processesOf(stack.scope)
    .filter(({ commandLine }) => /port-proxy .*-host-port/.test(commandLine))
    .map(({ pid }) => pid)
    .filter(isAlive);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}
