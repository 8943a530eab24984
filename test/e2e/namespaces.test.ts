import { test } from "tap";
import { startStack } from "../support/stack.ts";

const sleep = ["busybox", "sleep", "1000"];

test("containers that share an IPC namespace share /dev/shm, also over a restart of the engine", async (t) => {
  await using stack = await startStack();
  const { client, ok } = stack;
  await ok(["run", "-d", "--name", "donor", "--ipc", "shareable", "--shm-size", "2m", ...sleep]);
  await ok(["exec", "donor", "sh", "-c", "echo from donor > /dev/shm/one"]);
  await ok(["run", "-d", "--name", "guest", "--ipc", "container:donor", ...sleep]);
  const inside = async (name: string, command: string) => (await ok(["exec", name, "sh", "-c", command])).trim();
  t.equal(await inside("guest", "cat /dev/shm/one"), "from donor");
  t.equal(await inside("guest", "readlink /proc/self/ns/ipc"), await inside("donor", "readlink /proc/self/ns/ipc"));
  t.match(await inside("guest", "mount"), /^\S+ on \/dev\/shm type tmpfs \(rw,nosuid,nodev,noexec.*size=2048k/m);
  t.equal(await inside("guest", "stat -c %a /dev/shm"), "1777");

  await stack.killEngine();
  await stack.reviveEngine();
  await inside("guest", "echo from guest > /dev/shm/two");
  t.equal(await inside("donor", "cat /dev/shm/two"), "from guest");
  // A guest passes on what it has joined.
  t.equal(await ok(["run", "--rm", "--ipc", "container:guest", "busybox", "cat", "/dev/shm/two"]), "from guest\n");

  await ok(["restart", "-t", "0", "donor"]);
  t.equal(await inside("donor", "ls /dev/shm"), "", "each run begins with an empty one");
  t.equal(await inside("guest", "cat /dev/shm/one"), "from donor", "which a guest keeps");
  const apart = await client(["run", "--rm", "--ipc", "container:guest", "busybox", "true"]);
  t.match(apart.stderr, /non-shareable IPC/, "the guest's namespace is no longer the donor's");

  await ok(["rm", "-f", "donor", "guest"]);
  t.equal((await stack.sh(`grep " ${stack.state}/shm" /proc/self/mountinfo; ls ${stack.state}/shm`)).stdout, "");
});

test("an IPC namespace that is not shared is refused, and a donor that does not run", async (t) => {
  await using stack = await startStack();
  const { client, ok } = stack;
  const join = async (name: string) =>
    (await client(["run", "--rm", "--ipc", `container:${name}`, "busybox", "true"])).stderr;
  for (const mode of ["private", "none"]) {
    await ok(["run", "-d", "--name", mode, "--ipc", mode, ...sleep]);
    const hint =
      /failed to join IPC namespace: container [0-9a-f]{64}: non-shareable IPC \(hint: use IpcMode:shareable for the donor container\)/;
    t.match(await join(mode), hint, mode);
  }
  t.equal((await client(["exec", "none", "ls", "/dev/shm"])).code, 1, "none: no /dev/shm at all");
  await ok(["create", "--name", "idle", "--ipc", "shareable", ...sleep]);
  t.match(await join("idle"), /failed to join IPC namespace: container [0-9a-f]{64} is not running/);
  t.match(await join("nobody"), /No such container: nobody/);
  const bad = await client(["run", "--rm", "--ipc", "nonsense", "busybox", "true"]);
  t.match([bad.code, bad.stderr], [125, /invalid IPC mode: nonsense/i]);
  t.equal(
    (await ok(["run", "--rm", "--ipc", "host", "busybox", "readlink", "/proc/self/ns/ipc"])).trim(),
    (await stack.sh("readlink /proc/self/ns/ipc")).stdout.trim(),
  );
});

test("a container that shares another's network has its host name, also after that one is made anew", async (t) => {
  await using stack = await startStack();
  const { client, ok } = stack;
  await ok(["run", "-d", "--name", "web", "--hostname", "web.example", ...sleep]);
  await ok(["create", "--name", "side", "--network", "container:web", ...sleep]);
  await ok(["start", "side"]);
  t.equal(await ok(["exec", "side", "sh", "-c", "hostname; echo $HOSTNAME"]), "web.example\nweb.example\n");
  t.equal(await ok(["inspect", "-f", "{{.Config.Hostname}}", "side"]), "web.example\n");
  await ok(["stop", "-t", "0", "side", "web"]);
  const late = await client(["start", "side"]);
  t.match(late.stderr, /cannot join network namespace of a non running container: container web is exited/);
  await ok(["rm", "-f", "side", "web"]);
});

test("options that a shared network cannot have are refused, and nothing is created", async (t) => {
  await using stack = await startStack();
  const { client, ok } = stack;
  await ok(["run", "-d", "--name", "web", ...sleep]);
  const cases: readonly (readonly [flags: readonly string[], conflict: string])[] = [
    [["-h", "x"], "hostname and the network mode"],
    [["--dns", "10.0.0.1"], "dns and the network mode"],
    [["--add-host", "a:10.0.0.1"], "custom host-to-IP mapping and the network mode"],
    [["-p", "80"], "port publishing and the container type network mode"],
    [["-P"], "port publishing and the container type network mode"],
    [["--expose", "80"], "port exposing and the container type network mode"],
    [["--mac-address", "02:00:00:00:00:01"], "mac-address and the network mode"],
    [["--dns-search", "x.y"], "dns search and the network mode"],
    [["--dns-option", "ndots:2"], "dns options and the network mode"],
    [["--ip", "10.0.0.5"], "endpoint settings and the network mode"],
  ];
  for (const [flags, conflict] of cases) {
    const { code, stderr } = await client(["run", "--rm", "--network", "container:web", ...flags, "busybox", "true"]);
    t.equal(code, 125, flags.join(" "));
    t.ok(stderr.includes(`conflicting options: ${conflict}`), stderr);
  }
  const uts = await client(["run", "--rm", "--uts", "host", "-h", "x", "busybox", "true"]);
  t.match(uts.stderr, /conflicting options: hostname and the UTS mode/);
  t.equal(await ok(["ps", "-aq", "--filter", "name=web"]), await ok(["ps", "-aq"]));
});
