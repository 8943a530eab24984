import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter } from "node:path";
import { RpcError } from "@gantry/ipc";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { standInEngine } from "./stand-in-engine.ts";

const summary = { Id: `sha256:${"1".repeat(64)}`, RepoDigests: [], Created: 0, Size: 0, Labels: {}, Containers: 0 };
const imageList = async () => ({
  Images: [
    { ...summary, RepoTags: ["localhost:5000/box:1", "localhost:5000/box:2", "busybox:latest", "<none>:<none>"] },
  ],
});

test("push reads as docker's", async (t) => {
  await using engine = await standInEngine({
    imageList,
    imagePush: async (_, { send }) => {
      await send({ id: "b2e6b4623991", status: "Preparing" });
      await send({ id: "b2e6b4623991", status: "Pushing", current: 1, total: 2 });
      await send({ ref: "config-sha256:12", status: "Pushed" });
      await send({ id: "b2e6b4623991", status: "Mounted from other" });
      return { Digest: "sha256:12", Size: 527 };
    },
  });
  const lines = (tag: string) => [
    "b2e6b4623991: Preparing",
    "b2e6b4623991: Mounted from other",
    `${tag}: digest: sha256:12 size: 527`,
  ];
  const refers = "The push refers to repository [localhost:5000/box]";
  const push = (...args: string[]) => engine.client(["push", ...args]);
  const ok = (...stdout: string[]) => ({ code: 0, stderr: "", stdout: `${stdout.join("\n")}\n` });
  t.strictSame(await push("localhost:5000/box:1"), ok(refers, ...lines("1")));
  t.strictSame(await push("-a", "localhost:5000/box"), ok(refers, ...lines("1"), ...lines("2")));
  t.strictSame(await push("-q", "localhost:5000/box:1"), ok("localhost:5000/box:1"));
  t.match(await push("busybox"), {
    stdout: /^Using default tag: latest\nThe push refers .*\[docker.io\/library\/busybox\]/,
  });
  const refusals: readonly (readonly [args: string[], stderr: string])[] = [
    [["localhost:5000/box"], "tag does not exist: localhost:5000/box:latest\n"],
    [["localhost:5000/nope"], "An image does not exist locally with the tag: localhost:5000/nope\n"],
    [["-a", "localhost:5000/box:1"], "tag can't be used with --all-tags/-a\n"],
    [[`localhost:5000/box@sha256:${"0".repeat(64)}`], "cannot push a digest reference\n"],
  ];
  for (const [args, stderr] of refusals) t.match(await push(...args), { code: 1, stderr }, args.join(" "));
});

test("pull -a reads as docker's", async (t) => {
  await using engine = await standInEngine({
    imageRemoteTags: async () => ({ Tags: ["2", "1"] }),
    imagePull: async ({ Name }) => ({ Name, Digest: "sha256:12", Changed: Name.endsWith(":2") }),
  });
  t.strictSame(await engine.client(["pull", "-a", "localhost:5000/box"]), {
    code: 0,
    stderr: "",
    stdout: [
      "2: Pulling from box\nDigest: sha256:12\n1: Pulling from box\nDigest: sha256:12",
      "Status: Downloaded newer image for localhost:5000/box\nlocalhost:5000/box\n",
    ].join("\n"),
  });
  t.match(await engine.client(["pull", "-a", "box:1"]), { code: 1, stderr: "tag can't be used with --all-tags/-a\n" });
});

test("login stores accepted credentials, in the file or in a helper; logout removes them", async (t) => {
  await using directory = tempDir("login");
  const file = `${directory.path}/config.json`;
  const config = () => JSON.parse(readFileSync(file, "utf8"));
  await using engine = await standInEngine({
    registryLogin: async ({ Auth }) => {
      if (Auth.password !== "secret") throw new RpcError("PermissionDenied", "no");
      return Auth.username === "tokens" ? { IdentityToken: "refresh" } : {};
    },
    imagePull: async ({ Name }) => ({ Name, Digest: "sha256:12", Changed: true }),
  });
  const env = { DOCKER_CONFIG: directory.path, PATH: `${directory.path}${delimiter}${process.env["PATH"]}` };
  const client = (args: string[], stdin?: string) =>
    engine.client(args, { env, ...(stdin !== undefined && { stdin }) });
  const login = (user: string, password: string) =>
    client(["login", "-u", user, "--password-stdin", "localhost:5000"], `${password}\n`);
  writeFileSync(file, JSON.stringify({ detachKeys: "ctrl-a" }));
  t.match(await login("me", "wrong"), { code: 1, stderr: /no/ });
  t.strictSame(config(), { detachKeys: "ctrl-a" });
  t.match(await login("me", "secret"), {
    code: 0,
    stdout: "Login Succeeded\n",
    stderr: /stored unencrypted in .*config.json/,
  });
  t.strictSame(config(), { detachKeys: "ctrl-a", auths: { "localhost:5000": { auth: "bWU6c2VjcmV0" } } });
  t.equal(statSync(file).mode & 0o777, 0o644);
  await login("tokens", "secret");
  t.match(config().auths["localhost:5000"], { identitytoken: "refresh" });
  await client(["pull", "-q", "localhost:5000/box"]);
  t.match(engine.requests("imagePull").at(-1), { Auth: { identityToken: "refresh" } });
  t.match(await client(["logout", "localhost:5000"]), {
    code: 0,
    stdout: "Removing login credentials for localhost:5000\n",
  });
  t.strictSame(config(), { detachKeys: "ctrl-a", auths: {} });
  t.match(await client(["login", "localhost:5000"], ""), { code: 1, stderr: /non TTY device/ });

  writeHelper(directory.path);
  writeFileSync(file, JSON.stringify({ credHelpers: { "localhost:5000": "test" } }));
  t.strictSame(await login("me", "secret"), { code: 0, stdout: "Login Succeeded\n", stderr: "" });
  t.strictSame(config().auths, { "localhost:5000": {} }, "the password is not in the file");
  await client(["pull", "-q", "localhost:5000/box"]);
  t.match(engine.requests("imagePull").at(-1), { Auth: { username: "me", password: "secret" } });
  await client(["pull", "-q", "localhost:5001/box"]);
  t.equal(Object.hasOwn(engine.requests("imagePull").at(-1) ?? {}, "Auth"), false, "another registry is not meant");
  await client(["logout", "localhost:5000"]);
  await client(["pull", "-q", "localhost:5000/box"]);
  t.equal(Object.hasOwn(engine.requests("imagePull").at(-1) ?? {}, "Auth"), false);
  writeFileSync(file, JSON.stringify({ credsStore: "absent" }));
  const anonymous = await client(["pull", "-q", "localhost:5000/box"]);
  t.match(anonymous, { code: 0, stderr: /WARNING: cannot run docker-credential-absent/ });
});

/** A credential helper that keeps one registry in a file beside it. */
function writeHelper(directory: string): void {
  const path = `${directory}/docker-credential-test`;
  mkdirSync(`${directory}/kept`);
  const lines = [
    "#!/bin/sh",
    `cd ${directory}/kept`,
    "case $1 in",
    "store) cat > entry;;",
    "get) cat entry 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; };;",
    "erase) rm entry;;",
    "esac",
  ];
  writeFileSync(path, `${lines.join("\n")}\n`);
  chmodSync(path, 0o755);
}
