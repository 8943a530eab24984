import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Clock } from "@gantry/common/clock";
import { JsonLineEncoder } from "@gantry/json-log/line-encoder";
import { RotatedFile } from "@gantry/json-log/rotated-file";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { FileLog } from "../src/log/file-log.ts";
import { attachTo, finish, readLog, startShim } from "./support/shim.ts";

/** Logs chunks as they are and returns the file's text. */
async function logged(chunks: readonly Buffer[], attrs?: Record<string, string>): Promise<string> {
  await using files = tempDir("log");
  const path = join(files.path, "log.json");
  const fail = (error: Error) => {
    throw error;
  };
  const log = new FileLog({
    file: new RotatedFile({ path, maxFiles: 1, onError: fail }),
    clock: new Clock(),
    encoder: (target, stream) => new JsonLineEncoder(target, stream, attrs),
    onError: fail,
  });
  for (const chunk of chunks) {
    await log.write("stdout", Buffer.from(chunk));
    chunk.fill(0); // its owner reuses it
  }
  log.end("stdout");
  await log.close();
  return readFileSync(path, "utf8");
}

const textsOf = (text: string): string[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line).log);

test("a line is an object of Docker's format, with attrs", async (t) => {
  const text = await logged([Buffer.from('a "b" <c>&\\\t\r\n')], { tag: "x<y" });
  t.match(
    text,
    /^\{"log":"a \\"b\\" \\u003cc\\u003e\\u0026\\\\\\u0009\\r\\n","stream":"stdout","attrs":\{"tag":"x<y"\},"time":"[^"]*Z"\}\n$/,
  );
});

test("every byte is read back, for any chunks; invalid UTF-8 as U+FFFD", async (t) => {
  const valid = `${Array.from({ length: 0x2030 }, (_, code) => String.fromCharCode(code)).join("")}\u{1f600}\u{10ffff}\n`;
  for (const size of [1, 2, 3, 7, 4096, 1 << 20]) {
    const bytes = Buffer.from(valid);
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
    t.equal(textsOf(await logged(chunks)).join(""), valid, `chunks of ${size}`);
  }
  const broken = [
    [0xff],
    [0xc0, 0x80],
    [0xe2, 0x82],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0x80],
    [0xf0, 0x9f],
  ];
  for (const bytes of broken) {
    const line = Buffer.from([...bytes, 0x78, 0x0a]);
    t.same(textsOf(await logged([line])), [`${"\ufffd".repeat(bytes.length)}x\n`], Buffer.from(bytes).toString("hex"));
  }
});

test("long lines are split at 16 KiB between characters; an unfinished one is written at the end", async (t) => {
  const line = `${"x".repeat(16 * 1024 - 1)}\u00e9${"y".repeat(40_000)}\u20ac`;
  const parts = textsOf(await logged([Buffer.from(line)]));
  t.equal(parts.join(""), line);
  t.ok(parts.every((part) => Buffer.byteLength(part) <= 16 * 1024 && !part.endsWith("\n")));
  t.equal(parts[0], "x".repeat(16 * 1024 - 1));
  const exact = "z".repeat(16 * 1024);
  t.same(textsOf(await logged([Buffer.from(`${exact}\n`)])), [`${exact}\n`]);
  t.same(textsOf(await logged([Buffer.from("a\n\nb")])), ["a\n", "\n", "b"]);
});

test("a container's log holds what it printed, once its exit is known; both streams in their lines", async (t) => {
  await using shim = await startShim();
  const path = join(shim.files, "log.json");
  const script = "head -c 300000 /input; echo e1 >&2; printf 'no end'";
  const log = { driver: "json-file", path, attrs: { name: "n" } } as const;
  await shim.create({ args: ["sh", "-c", script] }, { log });
  const input = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index % 97 === 0 ? 10 : index % 126)));
  writeFileSync(join(shim.files, "bundle/rootfs/input"), input);
  await shim.client.call("start", {});
  await shim.client.call("wait", {});
  const entries = readLog(path);
  const of = (stream: string) =>
    entries
      .filter((entry) => entry.stream === stream)
      .map((entry) => entry.log)
      .join("");
  t.equal(of("stdout"), `${input.toString()}no end`);
  t.equal(of("stderr"), "e1\n");
  t.ok(entries.every((entry) => entry.attrs?.["name"] === "n" && Number.isFinite(Date.parse(entry.time))));
  t.equal(statSync(path).mode & 0o777, 0o640);
  await finish(shim);
});

test("rotation: files of the size asked for, none too many, whole lines, nothing lost in between", async (t) => {
  await using shim = await startShim();
  const path = join(shim.files, "log.json");
  const log = { driver: "json-file", path, maxSize: 100_000, maxFiles: 3 } as const;
  const script = "i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done";
  await shim.create({ args: ["sh", "-c", script] }, { log });
  await shim.client.call("start", {});
  await shim.client.call("wait", {});
  const names = readdirSync(shim.files).filter((name) => name.startsWith("log.json"));
  t.same(names.sort(), ["log.json", "log.json.1", "log.json.2"]);
  const entries = [`${path}.2`, `${path}.1`, path].flatMap((each) => {
    t.ok(statSync(each).size <= 100_000);
    return readLog(each);
  });
  const numbers = entries.map((entry) => Number(entry.log.slice(5)));
  t.equal(numbers.at(-1), 4999);
  t.ok(numbers.every((number, index) => index === 0 || number === (numbers[index - 1] ?? 0) + 1));
  await finish(shim);
});

test("a log that cannot be opened: a clear refusal, and the shim is free again", async (t) => {
  await using shim = await startShim();
  const log = { driver: "json-file", path: "/no/such/directory/log" } as const;
  await t.rejects(shim.create({ args: ["true"] }, { log }), { code: "InvalidArgument", message: /\/no\/such/ });
  t.notOk((await shim.client.call("connect", {})).id);
});

test("a full disk loses lines but neither the process nor its other readers", async (t) => {
  await using shim = await startShim();
  await shim.create({ args: ["echo", "hello"] }, { log: { driver: "json-file", path: "/dev/full" } });
  const attached = attachTo(shim.client);
  await shim.client.call("start", {});
  t.same(await attached.result, { exitStatus: 0 });
  t.equal(attached.stdout().toString(), "hello\n");
  t.match(readFileSync(join(shim.directory, "shim.log"), "utf8"), /ENOSPC/);
  await finish(shim);
});
