import { execFileSync } from "node:child_process";
import { cpSync, linkSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
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

test("a volume filled from an image keeps names that are not UTF-8, hard links and times; several creates fill it once", async (t) => {
  const directory = join(stack.directory, "odd");
  mkdirSync(join(directory, "data"), { recursive: true });
  const odd = Buffer.concat([Buffer.from(`${directory}/data/`), Buffer.from([0x61, 0xff])]);
  writeFileSync(odd, "odd\n");
  linkSync(odd, join(directory, "data/second"));
  utimesSync(odd, 1_600_000_000, 1_600_000_000);
  cpSync("/bin/busybox", join(directory, "busybox"));
  execFileSync("tar", ["-C", directory, "-cf", join(stack.directory, "odd.tar"), "."]);
  t.equal((await client(["import", join(stack.directory, "odd.tar"), "odd:1"])).code, 0);
  const names = Array.from({ length: 8 }, (_, index) => `filler${index}`);
  const creates = await Promise.all(
    names.map((name) => client(["create", "--name", name, "-v", "odd:/data", "odd:1", "/busybox", "true"])),
  );
  t.same(
    creates.filter(({ code }) => code !== 0).map(({ stderr }) => stderr),
    [],
  );
  const script = "/busybox stat -c '%i %h %Y' /data/a? /data/second; /busybox ls /data | /busybox wc -l";
  const { stdout, stderr } = await client(["run", "--rm", "-v", "odd:/data", "odd:1", "/busybox", "sh", "-c", script]);
  t.match(stdout, /^(\d+) 2 1600000000\n\1 2 1600000000\n2\n$/, stderr);
  await client(["rm", ...names]);
  t.equal((await client(["volume", "rm", "odd"])).code, 0);
});
