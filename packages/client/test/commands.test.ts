import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { RpcError } from "@gantry/ipc";
import { jsProgram, run, tempDir } from "@gantry/testkit";
import { test } from "tap";
import { clientEnv, containerId, mainFile, type Script, standInEngine } from "./stand-in-engine.ts";

const notFound = (kind: string) => async (request: { Id?: string; Name?: string }) => {
  throw new RpcError("NotFound", `No such ${kind}: ${request.Id ?? request.Name}`);
};

/** Knows one container, web, and nothing else. */
const oneContainer: Script = {
  containerInspect: async ({ Id }) => {
    if (Id !== "web") return await notFound("container")({ Id });
    return {
      Id: containerId,
      Name: "/web",
      State: { Status: "running", Running: true },
      Config: { Labels: { a: "1" } },
      NetworkSettings: { IPAddress: "172.17.0.2", Ports: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }] } },
    };
  },
  imageInspect: notFound("image"),
  networkInspect: notFound("network"),
  volumeInspect: notFound("volume"),
};

// Node looks for its own --env-file in all that follows it, unless "--" stands before the program
async function client(...args: string[]) {
  return await run(jsProgram, ["--", mainFile, ...args], { env: clientEnv });
}

test("the version and the help need no engine", async (t) => {
  const [version, short, help, none, command, noun] = await Promise.all([
    client("--version"),
    client("-v"),
    client("--help"),
    client(),
    client("run", "--help"),
    client("container"),
  ]);
  t.equal(version.stdout, "Gantry version 0.1.0\n");
  t.strictSame(short, version);
  t.match(help.stdout, /Common Commands:\n {2}run /);
  t.match(help.stdout, /Management Commands:\n {2}container /);
  t.equal(none.stdout, help.stdout);
  t.match(command.stdout, /^Usage: {2}client run \[OPTIONS\] IMAGE \[COMMAND\] \[ARG\.\.\.\]\n/);
  t.match(command.stdout, /-p, --publish /);
  t.match(noun.stdout, /^Usage: {2}client container COMMAND\n/);
  t.ok([version, help, none, command, noun].every(({ code }) => code === 0));
});

test("a wrong command line is answered as docker does", async (t) => {
  const cases: [string[], number, string][] = [
    [["nope"], 1, "client: 'nope' is not a client command.\nSee 'client --help'\n"],
    [["container", "nope"], 1, "client: 'container nope' is not a client command.\nSee 'client --help'\n"],
    [["ps", "--nope"], 125, "unknown flag: --nope\nSee 'client ps --help'.\n"],
    [["run", "-Z", "x"], 125, "unknown shorthand flag: 'Z' in -Z\nSee 'client run --help'.\n"],
    [["run", "--volumes-from", "x", "y"], 125, "unknown flag: --volumes-from\nSee 'client run --help'.\n"],
    [
      ["run", "-m", "12x", "y"],
      125,
      "invalid argument \"12x\" for \"-m, --memory\" flag: invalid size: '12x'\nSee 'client run --help'.\n",
    ],
    [["run", "-p", "x", "y"], 125, "client: invalid containerPort: x.\nSee 'client run --help'.\n"],
    [
      ["run", "--env-file", "/nope", "y"],
      125,
      "client: open /nope: no such file or directory.\nSee 'client run --help'.\n",
    ],
    [
      ["run", "--rm", "--restart=always", "y"],
      125,
      "client: Conflicting options: --restart and --rm.\nSee 'client run --help'.\n",
    ],
    [
      ["-H", "unix:///run/x.sock", "ps"],
      1,
      'invalid host "unix:///run/x.sock": must be ipc:///PATH or an absolute path of the engine\'s socket (did you mean ipc:///run/x.sock?)\n',
    ],
  ];
  await Promise.all(
    cases.map(async ([args, code, stderr]) => {
      t.strictSame(await client(...args), { code, stdout: "", stderr }, args.join(" "));
    }),
  );
  const stop = await client("stop");
  t.equal(stop.code, 1);
  t.match(
    stop.stderr,
    /^"client stop" requires at least 1 argument\.\nSee 'client stop --help'\.\n\nUsage: {2}client stop /,
  );
});

test("a dead engine is named", async (t) => {
  await using directory = tempDir("dead");
  const host = `ipc://${directory.path}/engine.sock`;
  const message = `Cannot connect to the Gantry engine at ${host}. Is the engine running?\n`;
  const [ps, path, create, rm, version] = await Promise.all([
    client("-H", host, "ps"),
    client("-H", `${directory.path}/engine.sock`, "ps"),
    client("-H", host, "run", "busybox"),
    client("-H", host, "rm", "a", "b"),
    client("-H", host, "version"),
  ]);
  t.strictSame(ps, { code: 1, stdout: "", stderr: message });
  t.strictSame(path, ps, "a path alone is an endpoint");
  t.strictSame(create, { code: 125, stdout: "", stderr: `client: ${message}` });
  t.strictSame(rm, { code: 1, stdout: "", stderr: message }, "reported once");
  t.equal(version.code, 1);
  const runtime = basename(jsProgram) === "bun" ? "Bun" : "Node\\.js";
  t.match(version.stdout, new RegExp(`^Client:\n Version: +0\\.1\\.0\n JS runtime: +${runtime} \\d+\\.\\d+\\.\\d+\n`));
});

test("of several containers each is tried", async (t) => {
  await using engine = await standInEngine({
    containerRemove: async ({ Id }) => (Id === "gone" ? await notFound("container")({ Id }) : {}),
  });
  const { code, stdout, stderr } = await engine.client(["rm", "-f", "-v", "a", "b"]);
  t.strictSame({ code, stdout, stderr }, { code: 0, stdout: "a\nb\n", stderr: "" });
  t.match(engine.requests("containerRemove")[0], { Id: "a", Force: true, RemoveVolumes: true });
  t.strictSame(await engine.client(["rm", "a", "gone", "b"]), {
    code: 1,
    stdout: "a\nb\n",
    stderr: "Error response from engine: No such container: gone\n",
  });
});

test("long and short forms are one command", async (t) => {
  await using engine = await standInEngine({
    containerList: async () => ({ Containers: [] }),
    imageList: async () => ({ Images: [] }),
  });
  const [ps, ls, list, images] = await Promise.all(
    [["ps"], ["container", "ls"], ["container", "list"], ["image", "ls"]].map((args) => engine.client(args)),
  );
  t.equal(ps?.stdout, "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n");
  t.strictSame(ls, ps);
  t.strictSame(list, ps);
  t.equal(images?.stdout, "REPOSITORY   TAG       IMAGE ID   CREATED   SIZE\n");
  await engine.client(["ps", "-a", "-n", "3", "-f", "status=exited", "-f", "label=x"]);
  t.match(engine.requests("containerList").at(-1), {
    All: true,
    Limit: 3,
    Filters: { status: ["exited"], label: ["x"] },
  });
});

test("inspect: JSON, templates, and missing objects", async (t) => {
  await using engine = await standInEngine(oneContainer);
  const json = await engine.client(["inspect", "web"]);
  t.equal(JSON.parse(json.stdout)[0].Name, "/web");
  t.match(json.stdout, /^\[\n {4}\{\n {8}"Id": /);
  t.equal(
    (await engine.client(["inspect", "--format", "{{ .NetworkSettings.IPAddress }}", "web"])).stdout,
    "172.17.0.2\n",
  );
  t.strictSame(await engine.client(["inspect", "nope"]), {
    code: 1,
    stdout: "[]\n",
    stderr: "Error: No such object: nope\n",
  });
  t.strictSame(await engine.client(["inspect", "-f", "{{.Name}}", "nope", "web"]), {
    code: 1,
    stdout: "/web\n",
    stderr: "Error: No such object: nope\n",
  });
  t.match(await engine.client(["container", "inspect", "nope"]), { stderr: "Error: No such container: nope\n" });
  t.match(await engine.client(["inspect", "--type", "image", "web"]), { stderr: "Error: No such image: web\n" });
  t.match(await engine.client(["inspect", "-f", "{{.Nope}}", "web"]), {
    code: 1,
    stderr: /^template parsing error: template: :1:2: executing "" at <\.Nope>: map has no entry for key "Nope"\n$/,
  });
  t.match(await engine.client(["inspect", "-f", "{{.Nope", "web"]), {
    code: 64,
    stderr: "template parsing error: template: :1: unclosed action\n",
  });
  t.equal((await engine.client(["port", "web"])).stdout, "80/tcp -> 0.0.0.0:8080\n");
  t.match(await engine.client(["port", "web", "81"]), {
    code: 1,
    stderr: "Error: No public port '81' published for web\n",
  });
});

test("logs keep their streams apart", async (t) => {
  await using engine = await standInEngine({
    containerLogs: async (_, { send }) => {
      await send({ stream: "stdout" }, Buffer.from("out\n"));
      await send({ stream: "stderr" }, Buffer.from("err\n"));
      return {};
    },
  });
  t.strictSame(await engine.client(["logs", "-t", "--tail", "5", "--since", "1700000000", "web"]), {
    code: 0,
    stdout: "out\n",
    stderr: "err\n",
  });
  t.match(engine.requests("containerLogs")[0], { Id: "web", Tail: 5, Timestamps: true, Since: "1700000000.000000000" });
  t.match(await engine.client(["logs", "--since", "soon", "web"]), {
    code: 1,
    stderr: 'invalid value for "since": failed to parse value as time or duration: "soon"\n',
  });
});

test("exec: streams, exit codes, and a command that is not there", async (t) => {
  await using engine = await standInEngine({
    execCreate: async ({ Cmd }) => ({ Id: Cmd[0] ?? "" }),
    execStart: async ({ Id, Detach }, { send, input }) => {
      if (Detach) return {};
      if (Id === "nope")
        throw new RpcError("FailedPrecondition", "it does not exist", { reason: "ExecutableNotFound" });
      if (Id === "/etc") throw new RpcError("FailedPrecondition", "a directory", { reason: "ExecutableNotPermitted" });
      if (Id === "as") throw new RpcError("FailedPrecondition", "unable to find user x", { ExitCode: 126 });
      for await (const { value, blobs } of Id === "cat" ? input : []) {
        if (value.kind === "closeStdin") break;
        await send({ stream: "stdout" }, ...blobs.map((blob) => Buffer.from(blob)));
      }
      await send({ stream: "stderr" }, Buffer.from("done\n"));
      return { ExitCode: 9 };
    },
  });
  t.strictSame(await engine.client(["exec", "-i", "web", "cat"], { stdin: "hi\n" }), {
    code: 9,
    stdout: "hi\n",
    stderr: "done\n",
  });
  t.match(await engine.client(["exec", "web", "nope"]), { code: 127, stderr: /it does not exist/ });
  t.match(await engine.client(["exec", "web", "/etc"]), { code: 126 });
  t.match(await engine.client(["exec", "-u", "x", "web", "as"]), { code: 126, stderr: /unable to find user x/ });
  t.strictSame(await engine.client(["exec", "-d", "-e", "A=1", "-w", "/x", "-u", "1:2", "web", "sleep", "-v"]), {
    code: 0,
    stdout: "",
    stderr: "",
  });
  t.match(engine.requests("execCreate").at(-1), { Cmd: ["sleep", "-v"], Env: ["A=1"], WorkingDir: "/x", User: "1:2" });
});

test("several at once: failures are listed again, and with -f a missing image is no failure", async (t) => {
  await using engine = await standInEngine({
    containerStart: async ({ Id }) => {
      if (Id.startsWith("no")) throw new RpcError("NotFound", `No such container: ${Id}`);
      return {};
    },
    imageRemove: async ({ Name }) => {
      throw new RpcError(Name === "held" ? "FailedPrecondition" : "NotFound", `cannot remove ${Name}`);
    },
  });
  t.match(await engine.client(["start", "no1", "web", "no2"]), {
    code: 1,
    stdout: "web\n",
    stderr: /No such container: no2\nError: failed to start containers: no1, no2\n$/,
  });
  t.equal((await engine.client(["rmi", "-f", "gone"])).code, 0);
  t.equal((await engine.client(["rmi", "gone"])).code, 1);
  t.equal((await engine.client(["rmi", "-f", "gone", "held"])).code, 1);
});

test("labels have names, filters have values", async (t) => {
  await using engine = await standInEngine({});
  const wrong = { code: 125, stderr: /invalid label '=b': empty name\nSee 'client/ };
  t.match(await engine.client(["run", "-l", "=b", "busybox"]), wrong);
  t.match(await engine.client(["network", "create", "--label", "=b", "n"]), wrong);
  t.match(await engine.client(["volume", "create", "--label", "=b", "v"]), wrong);
  t.match(await engine.client(["ps", "-f", "name"]), { code: 125, stderr: /expected name=value\)\nSee 'client ps/ });
  t.strictSame(engine.calls, []);
});

test("pull in a pipe, with the registry's credentials", async (t) => {
  await using directory = tempDir("config");
  mkdirSync(`${directory.path}/docker`);
  const auth = Buffer.from("me:se:cret").toString("base64");
  writeFileSync(
    `${directory.path}/docker/config.json`,
    JSON.stringify({ auths: { "https://registry.test:5000/v2/": { auth } } }),
  );
  await using engine = await standInEngine({
    imagePull: async (_, { send }) => {
      await send({ id: "latest", status: "Pulling from team/app" });
      await send({ id: "aaaaaaaaaaaa", status: "Extracting", current: 1, total: 2 });
      await send({ id: "aaaaaaaaaaaa", status: "Pull complete" });
      return { Name: "registry.test:5000/team/app:latest", Digest: "sha256:12", Changed: true };
    },
  });
  const env = { DOCKER_CONFIG: `${directory.path}/docker` };
  t.strictSame(await engine.client(["pull", "registry.test:5000/team/app"], { env }), {
    code: 0,
    stderr: "",
    stdout: [
      "Using default tag: latest",
      "latest: Pulling from team/app",
      "aaaaaaaaaaaa: Pull complete",
      "Digest: sha256:12",
      "Status: Downloaded newer image for registry.test:5000/team/app:latest",
      "registry.test:5000/team/app:latest\n",
    ].join("\n"),
  });
  t.match(engine.requests("imagePull")[0], { Auth: { username: "me", password: "se:cret" } });
  t.equal((await engine.client(["pull", "-q", "busybox"], { env })).stdout, "docker.io/library/busybox:latest\n");
  t.strictSame(engine.requests("imagePull")[1], { Name: "busybox" });
  t.match(await engine.client(["pull", "Busybox"], { env }), {
    code: 1,
    stderr: /^invalid reference format: repository name \(library\/Busybox\) must be lowercase\n$/,
  });
});

test("load and import send the archive's bytes", async (t) => {
  await using directory = tempDir("archive");
  const archive = `${directory.path}/a.tar`;
  const bytes = Buffer.alloc(3_000_000, "tar");
  writeFileSync(archive, bytes);
  let received: Buffer = Buffer.alloc(0);
  const receive = async (input: AsyncIterable<{ blobs: readonly Uint8Array[] }>) => {
    const chunks: Uint8Array[] = [];
    for await (const { blobs } of input) chunks.push(...blobs);
    received = Buffer.concat(chunks);
  };
  await using engine = await standInEngine({
    imageLoad: async (_, { input, send }) => {
      await receive(input);
      await send({ id: "aaaaaaaaaaaa", status: "Extracting", current: 1, total: 2 });
      return { Loaded: ["busybox:latest", "sha256:12"] };
    },
    imageImport: async (_, { input }) => {
      await receive(input);
      return { Id: "sha256:34" };
    },
  });
  const loaded = "Loaded image: busybox:latest\nLoaded image ID: sha256:12\n";
  t.equal((await engine.client(["load", "-i", archive])).stdout, loaded);
  t.ok(received.equals(bytes));
  t.equal((await engine.client(["load"], { stdin: "from stdin" })).stdout, loaded);
  t.equal(received.toString(), "from stdin");
  t.equal((await engine.client(["import", "-c", "CMD sh", "-m", "note", archive, "base:1"])).stdout, "sha256:34\n");
  t.ok(received.equals(bytes));
  t.match(engine.requests("imageImport")[0], { Target: "base:1", Message: "note", Changes: ["CMD sh"] });
  t.match(await engine.client(["load", "-i", "/nope.tar"]), {
    code: 1,
    stderr: "open /nope.tar: no such file or directory\n",
  });
});

test("save writes an archive to standard output, or to a file that is whole or not there", async (t) => {
  await using directory = tempDir("save");
  const bytes = Buffer.alloc(3_000_000, "tar");
  const [file, bad] = [`${directory.path}/a.tar`, `${directory.path}/bad.tar`];
  await using engine = await standInEngine({
    imageSave: async ({ Names }, { send }) => {
      await send({}, bytes.subarray(0, 1_000_001), bytes.subarray(1_000_001, 1_000_002));
      if (Names.includes("broken")) throw new RpcError("Internal", "a blob is damaged");
      await send({}, bytes.subarray(1_000_002));
      return {};
    },
  });
  const toFile = await engine.client(["save", "-o", file, "--platform", "linux/amd64", "busybox", "redis:7"]);
  t.match(toFile, { code: 0, stdout: "", stderr: "" });
  t.ok(readFileSync(file).equals(bytes));
  t.match(engine.requests("imageSave")[0], { Names: ["busybox", "redis:7"], Platform: "linux/amd64" });
  t.equal((await engine.client(["image", "save", "busybox"])).stdout, bytes.toString());
  t.match(await engine.client(["save", "-o", bad, "broken"]), {
    code: 1,
    stderr: "Error response from engine: a blob is damaged\n",
  });
  t.match(await engine.client(["save", "-o", "/nowhere/a.tar", "busybox"]), {
    code: 1,
    stderr: /^invalid output path/,
  });
  t.match(await engine.client(["save", "-o", "/dev/null", "busybox"]), { code: 1, stderr: /must be a regular file/ });
  t.match(await engine.client(["save", "-o", directory.path, "busybox"]), { code: 1, stderr: /is a directory/ });
  t.strictSame(readdirSync(directory.path), ["a.tar"], "nothing is left of what failed");
});

test("events, as text and as JSON", async (t) => {
  const event = {
    sequence: 1,
    Type: "container" as const,
    Action: "start",
    Actor: { ID: "abc", Attributes: { name: "web", image: "nginx" } },
    scope: "local",
    time: 1704164645,
    timeNano: "1704164645123456789",
  };
  await using engine = await standInEngine({
    events: async (_, { send }) => {
      await send(event);
      return {};
    },
  });
  const env = { TZ: "UTC" };
  t.equal(
    (await engine.client(["events", "--since", "1h", "--filter", "type=container"], { env })).stdout,
    "2024-01-02T03:04:05.123456789Z container start abc (image=nginx, name=web)\n",
  );
  t.match(engine.requests("events")[0], { Filters: { type: ["container"] } });
  const json = (await engine.client(["events", "--format", "json"], { env })).stdout;
  t.match(json, '"timeNano":1704164645123456789}');
  t.match(JSON.parse(json), { status: "start", id: "abc", from: "nginx", Type: "container" });
  t.equal(
    (await engine.client(["events", "--format", "{{.Type}} {{.Actor.Attributes.name}} {{.TimeNano}}"], { env })).stdout,
    "container web 1704164645123456789\n",
  );
});

test("container prune: confirmed, filtered, with the space that it reclaims", async (t) => {
  await using engine = await standInEngine({
    containerPrune: async () => ({ ContainersDeleted: ["abc", "def"], SpaceReclaimed: 1_500_000 }),
  });
  const asked = await engine.client(["container", "prune"], { stdin: "n\n" });
  t.match(asked.stdout, /^WARNING! This will remove all stopped containers\.\nAre you sure .* \[y\/N\] $/);
  t.equal(engine.requests("containerPrune").length, 0);
  const flags = ["--filter", "until=2001-09-09T01:46:40Z", "--filter", "label!=keep"];
  const pruned = await engine.client(["container", "prune", "-f", ...flags]);
  t.equal(pruned.stdout, "Deleted Containers:\nabc\ndef\n\nTotal reclaimed space: 1.5MB\n");
  t.match(engine.requests("containerPrune"), [{ Filters: { until: [/^1000000000(\.0+)?$/], "label!": ["keep"] } }]);
  const wrong = await engine.client(["container", "prune", "-f", "--filter", "until=sometime"]);
  t.match([wrong.code, wrong.stderr], [125, /invalid filter "until"/]);
});

test("volumes and networks", async (t) => {
  const volume = (Name: string) => ({
    Name,
    Driver: "local",
    Mountpoint: `/v/${Name}`,
    CreatedAt: "",
    Labels: {},
    Scope: "local",
    Options: {},
  });
  await using engine = await standInEngine({
    volumeCreate: async ({ Name }) => volume(Name ?? "anonymous"),
    volumeList: async () => ({ Volumes: [volume("b"), volume("a")] }),
    volumePrune: async () => ({ VolumesDeleted: ["a"], SpaceReclaimed: 1_500_000 }),
    networkCreate: async () => ({ Id: "f".repeat(64), Warning: "" }),
    networkConnect: async () => ({}),
  });
  t.equal((await engine.client(["volume", "create", "--label", "a=1", "data"])).stdout, "data\n");
  t.equal((await engine.client(["volume", "ls"])).stdout, "DRIVER    VOLUME NAME\nlocal     a\nlocal     b\n");
  t.equal(
    (await engine.client(["volume", "prune", "-f"])).stdout,
    "Deleted Volumes:\na\n\nTotal reclaimed space: 1.5MB\n",
  );
  const asked = await engine.client(["volume", "prune"], { stdin: "n\n" });
  t.match(asked.stdout, /^WARNING! This will remove anonymous local volumes .*\nAre you sure .* \[y\/N\] $/);
  t.equal(engine.requests("volumePrune").length, 1);
  t.equal(
    (await engine.client(["network", "create", "--subnet", "10.1.0.0/16", "back"])).stdout,
    `${"f".repeat(64)}\n`,
  );
  t.match(engine.requests("networkCreate")[0], { Name: "back", IPAM: { Config: [{ Subnet: "10.1.0.0/16" }] } });
  t.equal((await engine.client(["network", "connect", "--alias", "db", "--ip", "10.1.0.9", "back", "web"])).code, 0);
  t.match(engine.requests("networkConnect")[0], {
    EndpointConfig: { Aliases: ["db"], IPAMConfig: { IPv4Address: "10.1.0.9" } },
  });
});

test("run's flags and the engine's request", async (t) => {
  await using engine = await standInEngine({
    containerCreate: async () => ({ Id: containerId, Warnings: [] }),
    containerStart: async () => ({}),
  });
  const flags =
    "-d --name web -e A=1 -e FROM_HERE -e NOT_HERE -w /w -u 1:2 --init -v /a:/b:ro -v /anon --mount type=tmpfs,target=/t -p 8080:80 " +
    "--expose 90 --net back --network-alias db --entrypoint /bin/x -h host -l k=v -m 512m --memory-swap -1 --cpus 1.5 -c 512 " +
    "--pids-limit 100 --read-only --cap-add NET_ADMIN --cap-drop ALL --privileged --tmpfs /run:size=1m --device /dev/fuse " +
    "--dns 1.1.1.1 --add-host db:10.0.0.1 --log-driver json-file --log-opt max-size=1m --restart on-failure:3 --runtime runc " +
    "--shm-size 64m --sysctl net.core.somaxconn=1 --ulimit nofile=10:20 --stop-timeout 5 --security-opt no-new-privileges";
  const env = { FROM_HERE: "yes", NOT_HERE: undefined };
  t.equal((await engine.client(["run", ...flags.split(" "), "image", "cmd", "-x"], { env })).code, 0);
  t.match(engine.requests("containerCreate")[0], {
    Name: "web",
    Config: {
      Image: "image",
      Cmd: ["cmd", "-x"],
      Entrypoint: ["/bin/x"],
      Env: ["A=1", "FROM_HERE=yes"],
      WorkingDir: "/w",
      User: "1:2",
      Hostname: "host",
      Labels: { k: "v" },
      ExposedPorts: { "80/tcp": {}, "90/tcp": {} },
      Volumes: { "/anon": {} },
      StopTimeout: 5,
      AttachStdout: false,
    },
    HostConfig: {
      Binds: ["/a:/b:ro"],
      Mounts: [{ Type: "tmpfs", Target: "/t" }],
      PortBindings: { "80/tcp": [{ HostPort: "8080" }] },
      NetworkMode: "back",
      Init: true,
      Memory: 536870912,
      MemorySwap: -1,
      NanoCpus: 1_500_000_000,
      CpuShares: 512,
      PidsLimit: 100,
      ReadonlyRootfs: true,
      CapAdd: ["NET_ADMIN"],
      CapDrop: ["ALL"],
      Privileged: true,
      Tmpfs: { "/run": "size=1m" },
      Devices: [{ PathOnHost: "/dev/fuse", PathInContainer: "/dev/fuse", CgroupPermissions: "rwm" }],
      Dns: ["1.1.1.1"],
      ExtraHosts: ["db:10.0.0.1"],
      LogConfig: { Type: "json-file", Config: { "max-size": "1m" } },
      RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
      Runtime: "runc",
      ShmSize: 67108864,
      Sysctls: { "net.core.somaxconn": "1" },
      Ulimits: [{ Name: "nofile", Soft: 10, Hard: 20 }],
      SecurityOpt: ["no-new-privileges"],
    },
    NetworkingConfig: { EndpointsConfig: { back: { Aliases: ["db"] } } },
  });
});

test("start, wait, attach and top", async (t) => {
  await using engine = await standInEngine({
    ...oneContainer,
    containerStart: async ({ Id }) => (Id === "gone" ? await notFound("container")({ Id }) : {}),
    containerWait: async () => ({ StatusCode: 137 }),
    containerTop: async () => ({ Pids: [process.pid] }),
    containerAttach: async (_, { send }) => {
      await send({ attached: true });
      await send({ stream: "stdout" }, Buffer.from("out\n"));
      return { ExitCode: 4 };
    },
  });
  t.match(await engine.client(["start", "gone", "web"]), {
    code: 1,
    stdout: "web\n",
    stderr: /No such container: gone/,
  });
  t.match(await engine.client(["start", "-a", "web"]), { code: 4, stdout: "out\n" });
  t.match(await engine.client(["attach", "web"]), { code: 4, stdout: "out\n" });
  t.match(await engine.client(["wait", "a", "b"]), { code: 0, stdout: "137\n137\n" });
  const top = (await engine.client(["top", "web", "-o", "pid,comm"])).stdout.split("\n");
  t.match(top[0], /^PID +COMMAND$/);
  t.match(top[1], new RegExp(`^${process.pid} +\\S`));
  t.equal(top.length, 3);
});

test("help before the command runs nothing", async (t) => {
  const [flag, command] = await Promise.all([client("--help", "run", "busybox"), client("help", "run", "busybox")]);
  t.match(flag, { code: 0, stdout: /^Usage: {2}client run / });
  t.strictSame(command, flag);
});

test("--debug reports more about a failure, --log-level=error suppresses warnings", async (t) => {
  await using engine = await standInEngine({
    containerCreate: async () => ({ Id: containerId, Warnings: ["no swap"] }),
  });
  t.match(await engine.client(["-D", "ps"]), { code: 1, stderr: /DEBUG: connecting to ipc:.*DEBUG: RpcError/s });
  t.equal((await engine.client(["create", "busybox"])).stderr, "WARNING: no swap\n");
  t.equal((await engine.client(["--log-level=error", "create", "busybox"])).stderr, "");
});
