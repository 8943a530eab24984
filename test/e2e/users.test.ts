import { join } from "node:path";
import { busyboxLayer, requires, startSupervisor, writeDockerArchive } from "@gantry/testkit";
import t from "tap";
import { startStack } from "../support/stack.ts";

/** Accounts whose names are numbers, with the ids of root. */
const accounts = [
  { path: "etc/passwd", content: "root:x:0:0:::\n1000:x:0:0:::\n7:x:0:0:::\n" },
  { path: "etc/group", content: "root:x:0:\n50:x:0:\n" },
] as const;

async function writeImage(directory: string): Promise<string> {
  const path = join(directory, "accounts.tar");
  await writeDockerArchive(path, {
    name: "accounts:1",
    layers: [busyboxLayer(), [...accounts]],
    config: { Env: ["PATH=/bin"], Cmd: ["sh"], User: "1000" },
  });
  return path;
}

const ids = ["sh", "-c", "echo $(id -u):$(id -g)"];

t.test("client: a number is a user's id, also where an account has it as its name", async (t) => {
  t.setTimeout(120_000);
  if (!requires(t, "root", "overlay", "file:/bin/busybox", "binary:client", "binary:engine")) return;
  await using stack = await startStack({ busybox: false });
  await stack.ok(["load", "-q", "-i", await writeImage(stack.directory)]);
  t.equal(await stack.ok(["run", "--rm", "accounts:1", ...ids]), "1000:0\n", "the image's user");
  t.equal(await stack.ok(["run", "--rm", "-u", "7:50", "accounts:1", ...ids]), "7:50\n");
  await stack.ok(["run", "-d", "--name", "box", "accounts:1", "sleep", "1000"]);
  t.equal(await stack.ok(["exec", "box", ...ids]), "1000:0\n");
  t.equal(await stack.ok(["exec", "-u", "7:50", "box", ...ids]), "7:50\n");
  await stack.ok(["rm", "-f", "box"]);
});

t.test("ctr: the same", async (t) => {
  t.setTimeout(120_000);
  if (!requires(t, "root", "overlay", "file:/bin/busybox", "binary:ctr", "binary:supervisor")) return;
  await using stack = await startSupervisor({ t });
  await stack.ok(["images", "import", await writeImage(stack.directory)]);
  const image = "docker.io/library/accounts:1";
  t.equal(await stack.ok(["run", "--rm", image, "one", ...ids]), "1000:0\n");
  t.equal(await stack.ok(["run", "--rm", "--user", "7:50", image, "two", ...ids]), "7:50\n");
});

const shared = ["sh", "-c", "echo $(id -G); grep -oE 'core file size +[0-9]+ +[0-9]+' /proc/self/limits"];
const inherited = /^(\S+) 8 9\ncore file size +50 +60\n$/;

t.test("client exec: limits and additional groups are the container's, for other users too", async (t) => {
  t.setTimeout(120_000);
  if (!requires(t, "root", "overlay", "file:/bin/busybox", "binary:client", "binary:engine")) return;
  await using stack = await startStack();
  const flags = ["--ulimit", "core=50:60", "--group-add", "8", "--group-add", "9"];
  await stack.ok(["run", "-d", "--name", "box", ...flags, "busybox", "sleep", "1000"]);
  t.match(await stack.ok(["exec", "box", ...shared]), inherited);
  t.match(await stack.ok(["exec", "-u", "7", "box", ...shared]), inherited);
  t.match(await stack.ok(["exec", "-u", "7:6", "box", ...shared]), inherited);
  await stack.ok(["rm", "-f", "box"]);
});
