import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { jsProgram, requires, run, startTerminal, tempDir } from "@gantry/testkit";
import { test } from "tap";
import { withMember } from "../src/config/json-member.ts";
import { dockerPeer } from "./docker-peer.ts";
import { clientEnv, containerId, mainFile, scriptedContainer, standInEngine } from "./stand-in-engine.ts";

const login = { registryLogin: async () => ({}) };
const loginArgs = ["login", "-u", "me", "--password-stdin", "localhost:5000"];
const auths = { "localhost:5000": { auth: "bWU6c2VjcmV0" } };

test("a member is set and every other byte stays", async (t) => {
  const rows: readonly (readonly [text: string, expected: string])[] = [
    ["", '{\n\t"auths": 1\n}\n'],
    ["{}", '{\n\t"auths": 1\n}'],
    [
      '{ "a": 12345678901234567890, "b": [{"auths": "}"}] }',
      '{ "a": 12345678901234567890, "b": [{"auths": "}"}],\n\t"auths": 1 }',
    ],
    ['{"auths":{"x":{"auth":"\\"}"}},"z":1.50}\n', '{"auths":1,"z":1.50}\n'],
    ['{\n  "z" : null ,\n  "auths" : [1, 2]\n}', '{\n  "z" : null ,\n  "auths" : 1\n}'],
    ['{"a\\u0075ths":0,"auths":2}', '{"a\\u0075ths":0,"auths":1}'],
    ['{"x":"\\\\","auths":-1e5}', '{"x":"\\\\","auths":1}'],
  ];
  for (const [text, expected] of rows) {
    t.equal(withMember(text, "auths", 1), expected);
    t.equal(JSON.parse(withMember(text, "auths", 1)).auths, 1);
  }
});

test("login and logout keep what others wrote, the mode, and a link; an unchanged file is not written", async (t) => {
  await using directory = tempDir("config");
  await using engine = await standInEngine(login);
  mkdirSync(`${directory.path}/elsewhere`);
  const target = `${directory.path}/elsewhere/real.json`;
  const link = `${directory.path}/config.json`;
  const foreign = '{\n  "features": {"new": 12345678901234567890},\n  "psFormat": "{{.ID}}"';
  writeFileSync(target, `${foreign}\n}\n`);
  chmodSync(target, 0o640);
  symlinkSync("elsewhere/real.json", link);
  const client = (args: string[], stdin = "") => engine.client(args, { env: { DOCKER_CONFIG: directory.path }, stdin });

  t.equal((await client(loginArgs, "secret\n")).code, 0);
  t.ok(readFileSync(target, "utf8").startsWith(foreign), "unknown members stay to the digit");
  t.strictSame(JSON.parse(readFileSync(target, "utf8")).auths, auths);
  t.equal(readlinkSync(link), "elsewhere/real.json");
  t.equal(statSync(target).mode & 0o777, 0o640);

  const before = lstatSync(target);
  t.equal((await client(loginArgs, "secret\n")).code, 0);
  t.equal((await client(["logout", "localhost:5001"])).code, 0);
  const after = lstatSync(target);
  t.strictSame([after.ino, after.mtimeMs], [before.ino, before.mtimeMs], "nothing changed, nothing is written");

  t.equal((await client(["logout", "localhost:5000"])).code, 0);
  t.strictSame(JSON.parse(readFileSync(target, "utf8")).auths, {});
  t.equal(readlinkSync(link), "elsewhere/real.json");
});

test("a link to a file that does not exist yet is kept, and the file is the owner's alone", async (t) => {
  await using directory = tempDir("config");
  await using engine = await standInEngine(login);
  const docker = `${directory.path}/a/docker`;
  mkdirSync(docker, { recursive: true });
  symlinkSync("../../real.json", `${docker}/config.json`);
  t.match(await engine.client(["--config", docker, ...loginArgs], { stdin: "secret\n" }), { code: 0 });
  t.equal(readlinkSync(`${docker}/config.json`), "../../real.json");
  t.strictSame(JSON.parse(readFileSync(`${directory.path}/real.json`, "utf8")), { auths });
  t.equal(statSync(`${directory.path}/real.json`).mode & 0o777, 0o600);
});

test("a file that is not JSON is never overwritten; other commands ignore it with a warning", async (t) => {
  await using directory = tempDir("config");
  await using engine = await standInEngine({ ...login, containerList: async () => ({ Containers: [] }) });
  const env = { DOCKER_CONFIG: directory.path };
  writeFileSync(`${directory.path}/config.json`, "{bad");
  t.match(await engine.client(loginArgs, { env, stdin: "secret\n" }), { code: 1, stderr: /config\.json/ });
  t.equal(readFileSync(`${directory.path}/config.json`, "utf8"), "{bad");
  t.match(await engine.client(["ps", "--format", "{{.ID}}"], { env }), { code: 0, stderr: "" });
  t.match(await engine.client(["ps"], { env }), {
    code: 0,
    stdout: /^CONTAINER ID/,
    stderr: /WARNING: .*config\.json/,
  });
});

test("docker keeps a link and the mode at logout, too", async (t) => {
  if (!requires(t, "tool:docker")) return;
  await using directory = tempDir("config");
  const target = `${directory.path}/real.json`;
  symlinkSync("real.json", `${directory.path}/config.json`);
  const states = [];
  for (const [program, args] of [
    ["docker", []],
    [jsProgram, ["--", mainFile]],
  ] as const) {
    writeFileSync(target, JSON.stringify({ auths }));
    chmodSync(target, 0o644);
    const env = { ...clientEnv, DOCKER_CONFIG: directory.path };
    await run(program, [...args, "logout", "localhost:5000"], { env });
    const { auths: left } = JSON.parse(readFileSync(target, "utf8"));
    states.push({
      left,
      mode: statSync(target).mode & 0o777,
      link: lstatSync(`${directory.path}/config.json`).isSymbolicLink(),
    });
  }
  t.strictSame(states[1], states[0]);
  t.strictSame(states[1], { left: {}, mode: 0o644, link: true });
});

const container = {
  Id: containerId,
  Names: ["/web"],
  Image: "busybox",
  ImageID: `sha256:${"1".repeat(64)}`,
  Command: "sh",
  Created: 1700000000,
  Ports: [],
  Labels: { a: "1" },
  State: "running",
  Status: "Up 1 second",
  Mounts: [],
  NetworkMode: "bridge",
};
const image = {
  Id: `sha256:${"2".repeat(64)}`,
  RepoTags: ["box:1"],
  RepoDigests: [],
  Created: 1700000000,
  Size: 1000,
  Labels: {},
  Containers: -1,
};
const network = {
  Id: containerId,
  Name: "net",
  Driver: "bridge",
  Scope: "local",
  Internal: false,
  Created: "2024-01-01T00:00:00Z",
  IPAM: { Driver: "default", Config: [] },
  Containers: {},
  Options: {},
  Labels: {},
};
const volume = {
  Name: "vol",
  Driver: "local",
  Mountpoint: "/v",
  Scope: "local",
  CreatedAt: "2024-01-01T00:00:00Z",
  Labels: {},
  Options: {},
};

/** Configuration, command line, and docker's standard output. */
const lists: readonly (readonly [config: object, args: string, stdout: string])[] = [
  [{ psFormat: "{{.Names}}:{{.Image}}" }, "ps", "web:busybox\n"],
  [{ psFormat: "table {{.Names}}\\t{{.State}}" }, "ps", "NAMES     STATE\nweb       running\n"],
  [{ PSFORMAT: "{{.Names}}" }, "ps", "web\n"],
  [{ psFormat: "{{.Names}}" }, "ps -q", "0123456789ab\n"],
  [{ psFormat: "{{.Names}}" }, "ps --format {{.Image}}", "busybox\n"],
  [{ psFormat: "{{.Names}}" }, "ps -q --format {{.Image}}", "0123456789ab\n"],
  [{ psFormat: "" }, "ps -q", "0123456789ab\n"],
  [{ psFormat: "raw" }, "ps -q", "container_id: 0123456789ab\n"],
  [{ psFormat: " {{.Names}} " }, "ps", "web\n"],
  [{ imagesFormat: "{{.Repository}}" }, "images", "box\n"],
  [{ imagesFormat: "table {{.Tag}}" }, "images --digests", "TAG       DIGEST\n1         <none>\n"],
  [{ imagesFormat: "{{.Tag}}" }, "images -q", "222222222222\n"],
  [{ imagesFormat: "{{.Tag}}" }, "images -q --format {{.Repository}}", "box\n"],
  [{ networksFormat: "{{.Name}}" }, "network ls", "net\n"],
  [{ networksFormat: "raw" }, "network ls", "network_id: 0123456789ab\nname: net\ndriver: bridge\nscope: local\n\n"],
  [{ networksFormat: "raw" }, "network ls -q", "0123456789ab\n"],
  [{ volumesFormat: "{{.Name}}={{.Driver}}" }, "volume ls", "vol=local\n"],
  [{}, "volume ls -q --format raw", "name: vol\n"],
  [
    {},
    "ps --format raw",
    'container_id: 0123456789ab\nimage: busybox\ncommand: "sh"\ncreated_at: 2023-11-14 22:13:20 +0000 UTC\nstate: running\nstatus: Up 1 second\nnames: web\nlabels: a=1\nports:\n\n',
  ],
];

test("formats of the configuration file are used as docker uses them", async (t) => {
  await using engine = await standInEngine({
    containerList: async () => ({ Containers: [container] as never }),
    imageList: async () => ({ Images: [image] as never }),
    networkList: async () => ({ Networks: [network] as never }),
    volumeList: async () => ({ Volumes: [volume] as never }),
  });
  await using directory = tempDir("config");
  await using peer = await dockerPeer({
    "/containers/json": [container],
    "/images/json": [image],
    "/networks": [network],
    "/volumes": { Volumes: [volume] },
  });
  const env = { DOCKER_CONFIG: directory.path, TZ: "UTC" };
  const hasDocker = (await run("docker", ["--version"]).catch(() => undefined))?.code === 0;
  for (const [config, line, stdout] of lists) {
    writeFileSync(`${directory.path}/config.json`, JSON.stringify(config));
    const args = line.split(" ");
    const name = `${JSON.stringify(config)} ${line}`;
    const result = await engine.client(args, { env });
    t.strictSame([result.stdout, result.code], [stdout, 0], name);
    if (hasDocker) t.equal((await peer.docker(args, env)).stdout, stdout, `docker: ${name}`);
  }
});

test("detach keys come from the flag, else from the configuration file", async (t) => {
  await using directory = tempDir("config");
  writeFileSync(`${directory.path}/config.json`, JSON.stringify({ detachKeys: "ctrl-e,x" }));
  for (const [flags, keys, passed] of [
    [[], "\x05x", /<1011>/],
    [["--detach-keys", "ctrl-b"], "\x02", /<1011>/],
  ] as const) {
    await using engine = await standInEngine(
      scriptedContainer(async ({ write, read, detached }) => {
        await write("stdout", "ready\r\n");
        void detached;
        for (;;) await write("stdout", `<${(await read())?.toString("hex")}>`);
      }),
    );
    await using terminal = startTerminal(jsProgram, [mainFile, "run", "-it", ...flags, "busybox"], {
      env: { ...engine.env, DOCKER_CONFIG: directory.path },
    });
    await terminal.expect(/ready/);
    terminal.send("\x10\x11");
    await terminal.expect(passed);
    terminal.send(keys);
    t.equal((await terminal.ended).code, 0, keys);
  }
  writeFileSync(`${directory.path}/config.json`, JSON.stringify({ detachKeys: "ctrl-nope" }));
  await using engine = await standInEngine({});
  t.match(await engine.client(["run", "busybox"], { env: { DOCKER_CONFIG: directory.path } }), {
    code: 125,
    stderr: /invalid detach keys \(ctrl-nope\)/,
  });
});
