import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { RotatedFile } from "../src/rotated-file.ts";

/** The text of each file of a log. */
function contents(path: string): Record<string, string> {
  const names = readdirSync(join(path, "..")).sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(path, "..", name), "utf8")]));
}

async function onSmallDisk(options: string, work: (directory: string) => Promise<void>): Promise<void> {
  await using files = tempDir("log");
  const small = join(files.path, "small");
  mkdirSync(small);
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", small]);
  try {
    await work(small);
  } finally {
    execFileSync("umount", [small]);
  }
}

test("a file that cannot be created: every log is kept, the current one grows, and the rotation succeeds later", async (t) => {
  await onSmallDisk("size=1m,nr_inodes=4", async (small) => {
    const path = join(small, "log");
    writeFileSync(`${path}.1`, "one\n");
    writeFileSync(`${path}.2`, "two\n");
    const errors: Error[] = [];
    const file = new RotatedFile({ path, maxSize: 10, maxFiles: 4, onError: (error) => errors.push(error) });
    for (const line of ["current--\n", "kept 1\n", "kept 2\n", "kept 3\n"]) await file.append(Buffer.from(line));
    t.same(contents(path), {
      log: "current--\nkept 1\nkept 2\nkept 3\n",
      "log.1": "one\n",
      "log.2": "two\n",
    });
    t.equal(errors.length, 1, "reported once");
    t.match(errors[0]?.message, /^rotating .*\/log: ENOSPC/);
    execFileSync("mount", ["-o", "remount,nr_inodes=8", small]);
    await file.append(Buffer.from("rotated\n"));
    t.same(contents(path), {
      log: "rotated\n",
      "log.1": "current--\nkept 1\nkept 2\nkept 3\n",
      "log.2": "one\n",
      "log.3": "two\n",
    });
    await file.close();
  });
});

test("a disk without space: a rotation loses the oldest file only", async (t) => {
  await onSmallDisk("size=12k", async (small) => {
    const path = join(small, "log");
    const text = (name: string) => `${name.padEnd(4095, ".")}\n`;
    writeFileSync(`${path}.1`, text("one"));
    writeFileSync(`${path}.2`, text("two"));
    writeFileSync(path, text("current"));
    const file = new RotatedFile({ path, maxSize: 4096, maxFiles: 3, onError: (error) => t.fail(error.message) });
    await file.append(Buffer.from("next\n"));
    t.same(contents(path), { log: "next\n", "log.1": text("current"), "log.2": text("one") });
    await file.close();
  });
});

test("no free descriptor: every log is kept, the current one grows, and the rotation succeeds later", async (t) => {
  await using files = tempDir("log");
  const path = join(files.path, "log");
  writeFileSync(`${path}.1`, "one\n");
  writeFileSync(`${path}.2`, "two\n");
  const script = join(import.meta.dirname, "support/without-descriptors.ts");
  const output = execFileSync("prlimit", ["--nofile=64", process.execPath, script, path]);
  const { errors, outcome } = JSON.parse(output.toString());
  t.equal(outcome, "EMFILE");
  t.match(errors, [/^rotating .*: EMFILE/]);
  t.same(contents(path), {
    log: "rotated\n",
    "log.1": "current--\nkept 1\nkept 2\nkept 3\n",
    "log.2": "one\n",
    "log.3": "two\n",
  });
});

test("an interrupted rotation is finished without discarding another file", async (t) => {
  await using files = tempDir("log");
  const path = join(files.path, "log");
  writeFileSync(`${path}.3`, "two\n");
  writeFileSync(`${path}.2.gz`, gzipSync("one\n"));
  writeFileSync(`${path}.new`, "left behind by the writer that was killed\n");
  writeFileSync(path, "current--\n");
  const file = new RotatedFile({ path, maxSize: 10, maxFiles: 4, onError: (error) => t.fail(error.message) });
  await file.append(Buffer.from("second---\n"));
  t.same(readdirSync(files.path).sort(), ["log", "log.1", "log.2.gz", "log.3"]);
  t.equal(readFileSync(`${path}.3`, "utf8"), "two\n");
  await file.append(Buffer.from("third----\n"));
  t.same(readdirSync(files.path).sort(), ["log", "log.1", "log.2", "log.3.gz"]);
  t.equal(gunzipSync(readFileSync(`${path}.3.gz`)).toString(), "one\n");
  t.equal(readFileSync(`${path}.1`, "utf8"), "second---\n");
  await file.close();
});

test("two files, compressed: the one set aside replaces its compressed predecessor", async (t) => {
  await using files = tempDir("log");
  const path = join(files.path, "log");
  const options = { path, maxSize: 10, maxFiles: 2, compress: true };
  const file = new RotatedFile({ ...options, onError: (error) => t.fail(error.message) });
  for (const line of ["first----\n", "second---\n", "third----\n"]) await file.append(Buffer.from(line));
  await file.close();
  t.notOk(existsSync(`${path}.1`));
  t.equal(gunzipSync(readFileSync(`${path}.1.gz`)).toString(), "second---\n");
  t.equal(readFileSync(path, "utf8"), "third----\n");
  const plain = new RotatedFile({ path, maxSize: 10, maxFiles: 2, onError: (error) => t.fail(error.message) });
  await plain.append(Buffer.from("fourth---\n"));
  await plain.close();
  t.same(contents(path), { log: "fourth---\n", "log.1": "third----\n" });
});
