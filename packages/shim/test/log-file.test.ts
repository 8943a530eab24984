import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Clock } from "@gantry/common/clock";
import { RotatedFile } from "@gantry/json-log/rotated-file";
import { nativeSys, S_IFIFO } from "@gantry/native-sys";
import { tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { FileLog } from "../src/log/file-log.ts";
import { PlainEncoder } from "../src/log/plain.ts";
import { attachTo, finish, readLog, startShim } from "./support/shim.ts";

test("plain: the bytes of both streams, without a line's end where none was written", async (t) => {
  await using shim = await startShim();
  const path = join(shim.files, "out.log");
  await shim.create({ args: ["sh", "-c", "printf 'a\\nb'; printf '\\377'"] }, { log: { driver: "plain", path } });
  await shim.client.call("start", {});
  await shim.client.call("wait", {});
  t.same(readFileSync(path), Buffer.from([0x61, 0x0a, 0x62, 0xff]));
  await finish(shim);
});

test("compressed rotation: every file but the current one is gzip, and all lines are in them", async (t) => {
  await using shim = await startShim();
  const path = join(shim.files, "log.json");
  const log = { driver: "json-file", path, maxSize: 60_000, maxFiles: 50, compress: true } as const;
  await shim.create({ args: ["sh", "-c", "i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done"] }, { log });
  await shim.client.call("start", {});
  await shim.client.call("wait", {});
  await finish(shim);
  const texts: string[] = [];
  for (let index = 1; existsSync(`${path}.${index}.gz`); index++) {
    t.notOk(existsSync(`${path}.${index}`));
    texts.unshift(gunzipSync(readFileSync(`${path}.${index}.gz`)).toString());
  }
  t.ok(texts.length > 3);
  const lines = [...texts, readFileSync(path, "utf8")].join("").trimEnd().split("\n");
  t.same(
    lines.map((line) => JSON.parse(line).log),
    Array.from({ length: 5000 }, (_, index) => `line ${index}\n`),
  );
});

test("non-blocking: a disk that takes nothing neither slows the process nor fills the memory", async (t) => {
  await using shim = await startShim();
  const path = join(shim.files, "stuck");
  nativeSys().mknod(path, S_IFIFO | 0o600, 0, 0); // a log that is never read
  const log = { driver: "json-file", path, mode: "non-blocking", maxBufferSize: 100_000 } as const;
  await shim.create({ args: ["sh", "-c", "yes | head -c 30000000; echo done >&2"] }, { log });
  const attached = attachTo(shim.client, { stdout: false });
  await shim.client.call("start", {});
  await waitFor(() => attached.stderr().toString() === "done\n", { timeoutMs: 20_000, what: "the end of its output" });
  const rss = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${shim.pid}/status`, "utf8"))?.[1]);
  t.ok(rss < 200_000, `${rss} KiB`);
  process.kill(shim.pid, "SIGKILL");
});

test("non-blocking: output beyond the buffer is dropped by whole lines, and later output is logged again", async (t) => {
  await using files = tempDir("log");
  const path = join(files.path, "log");
  const fail = (error: Error) => t.fail(error.message);
  const file = new RotatedFile({ path, maxFiles: 1, onError: fail });
  const options = { file, clock: new Clock(), onError: fail, maxBufferSize: 10 };
  const log = new FileLog({ ...options, encoder: (target) => new PlainEncoder(target) });
  t.equal(log.write("stdout", Buffer.from("12345678\n")), undefined);
  t.equal(log.write("stdout", Buffer.from("dropped\n")), undefined);
  await log.flush();
  log.write("stdout", Buffer.from("much longer than the whole buffer\n"));
  await log.close();
  t.equal(readFileSync(path, "utf8"), "12345678\nmuch longer than the whole buffer\n");
});

test("a log whose last writer was killed in the middle of a line continues on a new line", async (t) => {
  await using shim = await startShim();
  const path = join(shim.files, "log.json");
  writeFileSync(path, '{"log":"half');
  await shim.create({ args: ["echo", "next"] }, { log: { driver: "json-file", path } });
  await shim.client.call("start", {});
  await shim.client.call("wait", {});
  const [half, next = ""] = readFileSync(path, "utf8").split("\n");
  t.equal(half, '{"log":"half');
  t.equal(JSON.parse(next).log, "next\n");
  await finish(shim);
});

test("a disk that fills up in the middle of a line keeps whole lines only", async (t) => {
  await using files = tempDir("log");
  const small = join(files.path, "small");
  mkdirSync(small);
  nativeSys().mount("tmpfs", small, "tmpfs", 0, "size=64k");
  try {
    const path = join(small, "log.json");
    await using shim = await startShim();
    await shim.create({ args: ["sh", "-c", "yes xxxxxxxxx | head -c 200000"] }, { log: { driver: "json-file", path } });
    await shim.client.call("start", {});
    t.equal((await shim.client.call("wait", {})).exitStatus, 0);
    await finish(shim);
    const entries = readLog(path);
    t.ok(entries.length > 100);
    t.ok(entries.every(({ log }) => log === "xxxxxxxxx\n"));
  } finally {
    nativeSys().umount(small, 0);
  }
});
