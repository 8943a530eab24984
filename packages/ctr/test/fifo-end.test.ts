import { execFileSync } from "node:child_process";
import { constants, openSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { FifoEnd } from "../src/tasks/fifo-end.ts";

function makeFifos(directory: string, ...names: string[]): string[] {
  const paths = names.map((name) => join(directory, name));
  execFileSync("mkfifo", paths);
  return paths;
}

const collect = async (end: FifoEnd): Promise<number> => {
  let bytes = 0;
  for await (const chunk of end.read()) bytes += chunk.length;
  return bytes;
};

test("input is written while many outputs are waited for", async (t) => {
  await using directory = tempDir("fifo");
  const [input = "", ...outputs] = makeFifos(
    directory.path,
    "in",
    ...Array.from({ length: 16 }, (_, at) => `out${at}`),
  );
  for (const path of [input, ...outputs]) openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const readers = outputs.map((path) => FifoEnd.reader(path));
  const reading = readers.map(collect);
  await FifoEnd.writer(input)?.write(Buffer.from("written"));
  for (const reader of readers) reader.close();
  t.same(
    await Promise.all(reading),
    outputs.map(() => 0),
  );
});

test("more than a pipe holds goes through it, and the end of the writer is the end of the file", async (t) => {
  await using directory = tempDir("fifo");
  const [path = ""] = makeFifos(directory.path, "pipe");
  const reading = collect(FifoEnd.reader(path));
  const writer = FifoEnd.writer(path);
  await writer?.write(Buffer.alloc(1 << 20, 1));
  writer?.close();
  t.equal(await reading, 1 << 20);
});

test("a pipe that nothing reads takes no input", async (t) => {
  await using directory = tempDir("fifo");
  const [path = ""] = makeFifos(directory.path, "pipe");
  t.equal(FifoEnd.writer(path), undefined);
  t.equal(FifoEnd.writer(join(directory.path, "none")), undefined);
  const reader = FifoEnd.reader(path);
  const writer = FifoEnd.writer(path);
  reader.close();
  await writer?.write(Buffer.from("lost"));
  writer?.close();
});
