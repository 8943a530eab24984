import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { fileStack } from "../support/file-stack.ts";

const stack = await fileStack();
const { client } = stack;

test("a named volume keeps its files from container to container", async (t) => {
  t.equal((await client(["volume", "create", "data"])).stdout, "data\n");
  await client(["run", "--rm", "-v", "data:/data", "busybox", "sh", "-c", "echo kept > /data/file"]);
  t.equal((await client(["run", "--rm", "-v", "data:/data:ro", "busybox", "cat", "/data/file"])).stdout, "kept\n");
  t.not((await client(["run", "--rm", "-v", "data:/data:ro", "busybox", "touch", "/data/x"])).code, 0);
  t.match((await client(["volume", "ls"])).stdout, /local\s+data/);
  t.equal((await client(["volume", "rm", "data"])).stdout, "data\n");
});

test("a new volume is filled from the image", async (t) => {
  const image = await client(["run", "--rm", "busybox", "sh", "-c", "ls /etc | sort"]);
  const volume = await client(["run", "--rm", "-v", "etc:/etc", "busybox", "sh", "-c", "ls /etc | sort"]);
  t.equal(volume.stdout, image.stdout);
  await client(["volume", "rm", "etc"]);
});

test("a volume in use is not removed", async (t) => {
  await client(["create", "--name", "user", "-v", "used:/x", "busybox"]);
  const refused = await client(["volume", "rm", "used"]);
  t.equal(refused.code, 1);
  t.match(refused.stderr, /volume is in use/);
  await client(["rm", "user"]);
  t.equal((await client(["volume", "rm", "used"])).code, 0);
});

test("--rm removes anonymous volumes", async (t) => {
  await client(["run", "--rm", "-v", "/anon", "busybox", "touch", "/anon/x"]);
  t.equal((await client(["volume", "ls", "-q"])).stdout, "");
});

test("bind mounts, by -v and by --mount", async (t) => {
  const host = join(stack.directory, "bound");
  mkdirSync(host);
  writeFileSync(join(host, "in"), "from the host\n");
  const result = await client([
    "run",
    "--rm",
    "-v",
    `${host}:/b`,
    "busybox",
    "sh",
    "-c",
    "cat /b/in; echo back > /b/out",
  ]);
  t.equal(result.stdout, "from the host\n", result.stderr);
  t.equal(readFileSync(join(host, "out"), "utf8"), "back\n");
  const readOnly = await client([
    "run",
    "--rm",
    "--mount",
    `type=bind,src=${host},dst=/b,readonly`,
    "busybox",
    "touch",
    "/b/x",
  ]);
  t.match(readOnly.stderr, /Read-only file system/);
  const absent = await client(["run", "--rm", "--mount", "type=bind,src=/no/such/dir,dst=/b", "busybox", "true"]);
  t.equal(absent.code, 125);
  t.match(absent.stderr, /bind source path does not exist: \/no\/such\/dir/);
});

test("tmpfs mounts have the requested size", async (t) => {
  const { stdout } = await client([
    "run",
    "--rm",
    "--tmpfs",
    "/t:size=1m",
    "busybox",
    "sh",
    "-c",
    "df -k /t | tail -1",
  ]);
  t.match(stdout, /tmpfs\s+1024/);
});

test("the message for a bad specification names it", async (t) => {
  for (const spec of ["relative:/x:ro:rw:y", "data:relative", "a/b:/x", ":/x"]) {
    const result = await client(["run", "--rm", "-v", spec, "busybox", "true"]);
    t.equal(result.code, 125, spec);
    t.match(result.stderr, /invalid/, spec);
  }
});
