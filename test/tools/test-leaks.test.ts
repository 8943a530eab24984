import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { makeNamespaces, missing, start, tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { leftBehind, machineState, runVariable } from "../../tools/src/test-leaks.ts";

const run = `run-${process.pid}`;

test("a process of the run that is left is named, another is not", async (t) => {
  const before = await machineState(run);
  await using ours = start("sleep", ["1000"], { env: { [runVariable]: run } });
  await using _other = start("sleep", ["1000"]);
  const left = await waitFor(async () => {
    const { processes } = await machineState(run);
    return processes.some((each) => each.startsWith(`${ours.pid} `)) && processes;
  });
  t.same(
    leftBehind(before, { ...before, processes: left }).map((each) => each.split(" ").slice(0, 2)),
    [["process", String(ours.pid)]],
  );
});

test("a mount and a cgroup that are left are named", {
  skip: missing("root", "file:/sys/fs/cgroup/pids"),
}, async (t) => {
  await using directory = tempDir("leaks");
  await using namespaces = await makeNamespaces();
  const cgroup = join("/sys/fs/cgroup/pids", `gantry-${run}`);
  const before = await machineState(run);
  mkdirSync(cgroup);
  t.teardown(() => rmdirSync(cgroup));
  t.ok(leftBehind(before, await machineState(run)).includes(`cgroup ${cgroup}`));
  const driver = new URL("../../tools/src/test-leaks.ts", import.meta.url).pathname;
  const script = `import { machineState } from "${driver}"; console.log(JSON.stringify(await machineState("none")));`;
  const inside = async () => {
    const { stdout, stderr } = await namespaces.run(process.execPath, ["--input-type=module", "-e", script]);
    return JSON.parse(stdout || stderr);
  };
  const clean = await inside();
  await namespaces.sh(`mount -t tmpfs none ${directory.path}; ip link add left0 type dummy`);
  await namespaces.sh("iptables -A INPUT -s 192.0.2.1 -j DROP");
  const left = leftBehind(clean, await inside());
  t.ok(left.includes(`mount ${directory.path} (tmpfs)`));
  t.match(left.join("\n"), /^firewall rule -A INPUT -s 192\.0\.2\.1\/32 -j DROP \(iptables-save\)$/m);
});
