import { test } from "tap";
import type { UnderTest } from "./engine-under-test.ts";
import { inOwnNetwork } from "./own-network.ts";

inOwnNetwork();
const { engineUnderTest } = await import("./engine-under-test.ts");
const { deaf, exitsOnTerm } = await import("./scripts.ts");
const { waitFor } = await import("@gantry/testkit");

/** Runs a container as `run` does: attached before its start. */
async function run(
  { client }: UnderTest,
  id: string,
  stdin?: string,
): Promise<{ output: string; code: number | undefined }> {
  const stream = client.open("containerAttach", { Id: id, Stdin: stdin !== undefined, Stdout: true, Stderr: true });
  let output = "";
  for await (const { value, blobs } of stream.items) {
    if ("attached" in value) {
      await client.call("containerStart", { Id: id });
      if (stdin !== undefined) {
        await stream.send({ kind: "stdin" }, Buffer.from(stdin));
        await stream.send({ kind: "closeStdin" });
      }
    } else for (const blob of blobs) output += `${value.stream}:${Buffer.from(blob)}`;
  }
  return { output, code: (await stream.result).ExitCode };
}

test("a container is made, run attached, and removed", async (t) => {
  await using engine = await engineUnderTest();
  const id = await engine.create("echo hello; exit 3", {}, { Name: "first" });
  t.match(id, /^[0-9a-f]{64}$/);
  t.equal((await engine.inspect("first")).State.Status, "created");
  t.same(await run(engine, id), { output: "stdout:hello\n", code: 3 });
  await waitFor(async () => (await engine.inspect(id)).State.Status === "exited");
  const { State, NetworkSettings } = await engine.inspect(id.slice(0, 12));
  t.equal(State.ExitCode, 3);
  t.equal(State.Pid, 0);
  t.equal(NetworkSettings.SandboxKey, "");
  await engine.client.call("containerRemove", { Id: "first" });
  await t.rejects(engine.client.call("containerInspect", { Id: id }), {
    code: "NotFound",
    message: `No such container: ${id}`,
  });
  t.same([...engine.standIn.specs.keys(), ...engine.standIn.snapshots.keys(), ...engine.standIn.tasks()], []);
});

test("a start gives the terminal its size, which the next start without one keeps", async (t) => {
  await using engine = await engineUnderTest();
  const id = await engine.create("true", {}, { Config: { Tty: true } });
  for (const ConsoleSize of [[34, 91], [22, 77], undefined] as ([number, number] | undefined)[]) {
    await engine.client.call("containerStart", { Id: id, ...(ConsoleSize ? { ConsoleSize } : {}) });
    const [height, width] = ConsoleSize ?? [22, 77];
    t.match(engine.standIn.specs.get(id), { process: { consoleSize: { height, width } } });
    await engine.client.call("containerWait", { Id: id });
  }
});

test("standard input reaches the process, and each start runs anew", async (t) => {
  await using engine = await engineUnderTest();
  const id = await engine.create("read line; echo got $line", {}, { Config: { OpenStdin: true, StdinOnce: true } });
  t.same(await run(engine, id, "one\n"), { output: "stdout:got one\n", code: 0 });
  t.same(await run(engine, id, "two\n"), { output: "stdout:got two\n", code: 0 });
});

test("AutoRemove removes after the end, with anonymous volumes", async (t) => {
  await using engine = await engineUnderTest();
  const id = await engine.create("true", { AutoRemove: true, Binds: ["/data", "kept:/kept"] }, { Name: "brief" });
  const removed = engine.client.call("containerWait", { Id: id, Condition: "removed" });
  await engine.client.call("containerStart", { Id: id });
  t.same(await removed, { StatusCode: 0 });
  await waitFor(async () => (await engine.client.call("volumeList", {})).Volumes.length === 1);
  t.equal((await engine.client.call("volumeList", {})).Volumes[0]?.Name, "kept");
  t.ok(await engine.create("true", {}, { Name: "brief" }), "the name is free again");
});

test("a name is free as soon as a run with AutoRemove has ended", async (t) => {
  await using engine = await engineUnderTest();
  for (let i = 0; i < 5; i++) {
    const id = await engine.create("exit 7", { AutoRemove: true }, { Name: "again" });
    t.equal((await run(engine, id)).code, 7);
  }
});

test("names: generated, checked, taken once, changed", async (t) => {
  await using engine = await engineUnderTest();
  const { client } = engine;
  const id = await engine.create("true");
  t.match((await engine.inspect(id)).Name, /^\/[a-z]+_[a-z]+$/);
  await engine.create("true", {}, { Name: "taken" });
  await t.rejects(engine.create("true", {}, { Name: "taken" }), {
    code: "AlreadyExists",
    message:
      /^Conflict\. The container name "\/taken" is already in use by container "[0-9a-f]{64}"\. You have to remove/,
  });
  for (const bad of ["-a", "a/b", "ä", "x"]) {
    await t.rejects(
      engine.create("true", {}, { Name: bad }),
      { code: "InvalidArgument", message: /Invalid container name/ },
      bad,
    );
  }
  await t.rejects(client.call("containerRename", { Id: id, Name: "taken" }), { code: "AlreadyExists" });
  await client.call("containerRename", { Id: id, Name: "other" });
  t.equal((await engine.inspect("other")).Id, id);
});

test("a create that is refused leaves nothing", async (t) => {
  await using engine = await engineUnderTest();
  const refused = async (host: Parameters<UnderTest["create"]>[1], expected: RegExp) =>
    t.rejects(engine.create("true", host), { message: expected });
  const image = { Config: { Image: "absent", Cmd: ["true"] } };
  await t.rejects(engine.client.call("containerCreate", image), {
    code: "NotFound",
    message: "No such image: absent:latest",
  });
  await refused({ Memory: 1000 }, /Minimum memory limit allowed is 6MB/);
  await refused({ NanoCpus: 9e9 }, /range of CPUs is from 0\.01 to 2\.00/);
  await refused({ Binds: ["rel/path:/x"] }, /includes invalid characters for a local volume name/);
  await refused({ Binds: ["/a:x"] }, /mount path must be absolute/);
  await refused({ Binds: ["/a:/x:bad"] }, /invalid mode: bad/);
  await refused({ Binds: ["/a:/x", "/b:/x"] }, /Duplicate mount point: \/x/);
  await refused(
    { Mounts: [{ Type: "bind", Source: "/no/such", Target: "/x" }] },
    /bind source path does not exist: \/no\/such/,
  );
  await refused({ CapAdd: ["NONSENSE"] }, /unknown capability: "CAP_NONSENSE"/);
  await refused({ SecurityOpt: ["seccomp={"] }, /Decoding seccomp profile failed/);
  await refused({ RestartPolicy: { Name: "sometimes" } }, /unknown policy 'sometimes'/);
  await t.rejects(
    engine.client.call("containerCreate", { Config: { Image: "busybox", Cmd: ["true"], StopSignal: "SIGNONE" } }),
    { message: "Invalid signal: SIGNONE" },
  );
  await refused({ Runtime: "absent" }, /unknown or invalid runtime name: absent/);
  await refused({ NetworkMode: "absent" }, /network absent not found/);
  await refused({ PortBindings: { "99999/tcp": [{}] } }, /invalid port specification/);
  await refused(
    { Devices: [{ PathOnHost: "/dev/nope", PathInContainer: "/dev/x", CgroupPermissions: "rwm" }] },
    /"\/dev\/nope"/,
  );
  t.same([...engine.standIn.snapshots.keys()], []);
  t.same((await engine.client.call("containerList", { All: true })).Containers, []);
});

test("a command that does not exist: Docker's message, exit code 127, and the container stays created", async (t) => {
  await using engine = await engineUnderTest();
  const { Id } = await engine.client.call("containerCreate", {
    Config: { Image: "busybox", Cmd: ["nope"] },
    HostConfig: { NetworkMode: "none" },
  });
  await t.rejects(engine.client.call("containerStart", { Id }), {
    message: /^failed to create task for container: .*exec: "nope": executable file not found in \$PATH/,
    data: { ExitCode: 127 },
  });
  const { State } = await engine.inspect(Id);
  t.match(State, { Status: "created", ExitCode: 127, Running: false, Error: /executable file not found/ });
  t.equal((await engine.client.call("containerWait", { Id })).StatusCode, 127);
  const brief = await engine.client.call("containerCreate", {
    Config: { Image: "busybox", Cmd: ["nope"] },
    HostConfig: { NetworkMode: "none", AutoRemove: true },
  });
  const removed = engine.client.call("containerWait", { Id: brief.Id, Condition: "removed" });
  await t.rejects(engine.client.call("containerStart", { Id: brief.Id }), {
    message: /executable file not found/,
    data: { ExitCode: 127 },
  });
  t.equal((await removed).StatusCode, 127, "with AutoRemove it does not stay");
});

test("stop asks first and kills after the time; kill, pause and their conflicts", async (t) => {
  await using engine = await engineUnderTest();
  const { client } = engine;
  const polite = await engine.create(exitsOnTerm(5));
  const stubborn = await engine.create(deaf);
  for (const Id of [polite, stubborn]) await client.call("containerStart", { Id });
  await waitFor(async () => (await logs(engine, polite)) === "ready\n");
  await client.call("containerStop", { Id: polite });
  t.equal((await engine.inspect(polite)).State.ExitCode, 5);
  await t.rejects(client.call("containerKill", { Id: polite }), {
    code: "FailedPrecondition",
    message: /is not running/,
  });
  await t.rejects(client.call("containerRemove", { Id: stubborn }), {
    code: "FailedPrecondition",
    message: /container is running: stop/,
  });
  await client.call("containerPause", { Id: stubborn });
  t.match((await engine.inspect(stubborn)).State, { Status: "paused", Paused: true });
  await t.rejects(client.call("containerPause", { Id: stubborn }), { message: /is already paused/ });
  await client.call("containerUnpause", { Id: stubborn });
  await client.call("containerStop", { Id: stubborn, Timeout: 0 });
  t.equal((await engine.inspect(stubborn)).State.ExitCode, 137);
  await t.rejects(client.call("containerKill", { Id: stubborn, Signal: "NONSENSE" }), { code: "InvalidArgument" });
});

test("requests for a container that is starting wait for the start", async (t) => {
  await using engine = await engineUnderTest();
  const { client } = engine;
  const Id = await engine.create("sleep 100");
  const exec = () => client.call("execCreate", { Id, Cmd: ["true"], AttachStdout: true });
  const [, made] = await Promise.all([client.call("containerStart", { Id }), exec()]);
  t.match(made.Id, /^[0-9a-f]{64}$/);
  await client.call("containerKill", { Id });
  t.equal((await client.call("containerWait", { Id })).StatusCode, 137);
  await Promise.all([client.call("containerStart", { Id }), client.call("containerKill", { Id })]);
  t.equal((await client.call("containerWait", { Id })).StatusCode, 137);
  await Promise.all([client.call("containerStart", { Id }), client.call("containerStop", { Id, Timeout: 0 })]);
  t.equal((await engine.inspect(Id)).State.Status, "exited");
  const other = await engine.create("exit 7");
  const [, ended] = await Promise.all([
    client.call("containerStart", { Id: other }),
    client.call("containerWait", { Id: other }),
  ]);
  t.equal(ended.StatusCode, 7, "a wait");
});

test("on-failure starts again as often as it may, and no more", async (t) => {
  await using engine = await engineUnderTest();
  const id = await engine.create("echo run; exit 1", { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 } });
  await engine.client.call("containerStart", { Id: id });
  await waitFor(async () => (await engine.inspect(id)).State.Status === "exited");
  t.equal((await engine.inspect(id)).RestartCount, 2);
  t.equal(await logs(engine, id), "run\nrun\nrun\n");
});

test("a stop ends a container that waits for its restart", async (t) => {
  await using engine = await engineUnderTest();
  const id = await engine.create("exit 1", { RestartPolicy: { Name: "always" } });
  await engine.client.call("containerStart", { Id: id });
  await waitFor(async () => (await engine.inspect(id)).State.Status === "restarting");
  await engine.client.call("containerStop", { Id: id });
  t.equal((await engine.inspect(id)).State.Status, "exited");
});

test("exec: output, exit code, and the container it needs", async (t) => {
  await using engine = await engineUnderTest();
  const { client } = engine;
  const id = await engine.create("sleep 1000", {}, { Config: { Env: ["A=1"], User: "web" } });
  await t.rejects(client.call("execCreate", { Id: id, Cmd: ["true"] }), {
    code: "FailedPrecondition",
    message: /is not running/,
  });
  await client.call("containerStart", { Id: id });
  const exec = await client.call("execCreate", {
    Id: id,
    Cmd: ["sh", "-c", "echo $A $B; exit 4"],
    Env: ["B=2"],
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = client.open("execStart", { Id: exec.Id });
  let output = "";
  for await (const { blobs } of stream.items) output += Buffer.concat(blobs as Buffer[]);
  t.equal((await stream.result).ExitCode, 4);
  t.equal(output, "1 2\n");
  t.match(await client.call("execInspect", { Id: exec.Id }), { Running: false, ExitCode: 4, ContainerID: id });
  const background = await client.call("execCreate", { Id: id, Cmd: ["sh", "-c", "exit 6"] });
  t.same(await client.open("execStart", { Id: background.Id, Detach: true }).result, {});
  await waitFor(async () => (await client.call("execInspect", { Id: background.Id }))["ExitCode"] === 6);
  await t.rejects(client.call("execInspect", { Id: "absent" }), {
    code: "NotFound",
    message: "No such exec instance: absent",
  });
});

test("logs follow until the end", async (t) => {
  await using engine = await engineUnderTest();
  const id = await engine.create("echo one; sleep 0.2; echo two >&2");
  await engine.client.call("containerStart", { Id: id });
  t.equal(await logs(engine, id, true), "one\ntwo\n");
});

test("events of a run have Docker's names, and past ones can be requested", async (t) => {
  await using engine = await engineUnderTest();
  const live = engine.client.open("events", { Filters: { type: ["container"] } });
  const id = await engine.create("exit 2", { AutoRemove: true }, { Name: "evented", Config: { Labels: { a: "b" } } });
  await run(engine, id);
  const seen: string[] = [];
  for await (const { value } of live.items) {
    seen.push(value.Action);
    if (value.Action === "die")
      t.match(value.Actor, { ID: id, Attributes: { exitCode: "2", image: "busybox", name: "evented", a: "b" } });
    if (value.Action === "destroy") break;
  }
  live.cancel();
  live.result.catch(() => {});
  t.same(seen, ["create", "attach", "start", "die", "destroy"]);
  const past = engine.client.open("events", {
    Since: "0",
    Until: String(Date.now() / 1000),
    Filters: { event: ["die"] },
  });
  const kept: string[] = [];
  for await (const { value } of past.items) kept.push(value.Action);
  t.same(kept, ["die"]);

  const again = await engine.create("sleep 100");
  for (let number = 0; number < 100; number++) {
    await engine.client.call("containerRename", { Id: again, Name: `n${number}` });
  }
  await engine.client.call("containerStart", { Id: again });
  await engine.client.call("containerStop", { Id: again, Timeout: 0 });
  const all = engine.client.open("events", {
    Since: "0",
    Until: String((Date.now() + 5) / 1000),
    Filters: { container: [again] },
  });
  const actions: string[] = [];
  for await (const { value } of all.items) actions.push(value.Action);
  t.equal(actions.filter((action) => action === "rename").length, 100, "more than are sent at once");
  // The second kill is sent only where the first one has not done it yet.
  const rest = actions.slice(actions.lastIndexOf("rename") + 1);
  t.same([...new Set(rest)], ["start", "kill", "die", "stop"]);
});

async function logs({ client }: UnderTest, Id: string, Follow = false): Promise<string> {
  const stream = client.open("containerLogs", { Id, Stdout: true, Stderr: true, Follow });
  let text = "";
  for await (const { blobs } of stream.items) text += Buffer.concat(blobs as Buffer[]);
  await stream.result;
  return text;
}

test("prune removes what does not run and matches the filters, and leaves volumes", async (t) => {
  await using engine = await engineUnderTest();
  const { client } = engine;
  const labelled = (name: string, script: string) =>
    engine.create(script, { Binds: ["/data"] }, { Config: { Labels: { [name]: "1" } } });
  const [running, paused, created, ended, kept] = await Promise.all([
    labelled("running", "while :; do sleep 0.05; done"),
    labelled("paused", "while :; do sleep 0.05; done"),
    labelled("created", "true"),
    labelled("ended", "true"),
    labelled("kept", "true"),
  ]);
  for (const Id of [running, paused, ended]) await client.call("containerStart", { Id });
  await client.call("containerPause", { Id: paused });
  await client.call("containerWait", { Id: ended });
  await waitFor(async () => (await engine.inspect(ended)).State.Status === "exited");
  const prune = async (Filters?: Record<string, string[]>) =>
    (await client.call("containerPrune", Filters ? { Filters } : {})).ContainersDeleted.sort();
  t.same(await prune({ until: ["1000000000"] }), [], "created later");
  t.same(await prune({ label: ["created"] }), [created]);
  t.same(await prune({ "label!": ["kept"] }), [ended]);
  t.same(await prune({ until: ["99999999999"] }), [kept]);
  t.same(await prune(), []);
  t.equal((await client.call("containerList", { All: true })).Containers.length, 2);
  t.equal((await client.call("volumeList", {})).Volumes.length, 5);
  await t.rejects(prune({ colour: ["red"] }), /invalid filter 'colour'/);
  await t.rejects(prune({ until: ["1", "2"] }), /more than one until filter/);
  await t.rejects(prune({ until: ["yesterday"] }), /invalid filter 'until=yesterday'/);
});
