import { appendFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { type LogRequest, readLog } from "../src/logs/read-log.ts";

const line = (log: string, second = 0, more = {}) =>
  `${JSON.stringify({ log, stream: "stdout", time: `2026-01-01T00:00:${String(second).padStart(2, "0")}.5Z`, ...more })}\n`;

function request(path: string, more: Partial<LogRequest> = {}): LogRequest {
  return {
    path,
    stdout: true,
    stderr: true,
    timestamps: false,
    details: false,
    since: undefined,
    until: undefined,
    tail: undefined,
    finished: undefined,
    signal: new AbortController().signal,
    ...more,
  };
}

async function read(path: string, more: Partial<LogRequest> = {}): Promise<string> {
  let text = "";
  await readLog(request(path, more), async (_, part) => {
    text += part;
  });
  return text;
}

test("all, streams, times, details, and what is damaged", async (t) => {
  await using directory = tempDir();
  const path = join(directory.path, "log");
  t.equal(await read(path), "", "no log yet");
  const attrs = { attrs: { a: "1", b: "x y" } };
  writeFileSync(
    path,
    `${line("one\n", 1) + line("err\n", 2, { stream: "stderr" })}{damaged\n${line("end\n", 3, attrs)}`,
  );
  t.equal(await read(path), "one\nerr\nend\n");
  t.equal(await read(path, { stderr: false }), "one\nend\n");
  t.match(await read(path, { timestamps: true }), /^2026-01-01T00:00:01\.500000000Z one\n/);
  t.match(await read(path, { details: true }), /a=1,b=x%20y end\n$/);
  const at = (second: number) => BigInt(Date.parse("2026-01-01T00:00:00Z") + second * 1000) * 1_000_000n;
  t.equal(await read(path, { since: at(2) }), "err\nend\n");
  t.equal(await read(path, { until: at(3) }), "one\nerr\n");
});

test("the last lines, over rotated files and long lines", async (t) => {
  await using directory = tempDir();
  const path = join(directory.path, "log");
  const long = "x".repeat(100_000);
  writeFileSync(`${path}.2`, line("1\n") + line("2\n"));
  writeFileSync(`${path}.1`, line("3\n") + line(`${long}\n`));
  writeFileSync(path, line("5\n") + line("6\n"));
  const all = ["1\n", "2\n", "3\n", `${long}\n`, "5\n", "6\n"];
  for (let tail = 0; tail <= 7; tail++) {
    t.equal(await read(path, { tail }), all.slice(Math.max(0, 6 - tail)).join(""), `tail ${tail}`);
  }
});

test("following: growth, a rotation, emptying, half lines, and the end", async (t) => {
  await using directory = tempDir();
  const path = join(directory.path, "log");
  writeFileSync(path, line("old\n") + line("one\n"));
  let text = "";
  let finish: () => void = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const reading = readLog(request(path, { finished, tail: 1 }), async (_, part) => {
    text += part;
  });
  await waitFor(() => text === "one\n");
  const two = line("two\n");
  appendFileSync(path, two.slice(0, 10));
  appendFileSync(path, two.slice(10));
  await waitFor(() => text === "one\ntwo\n");
  appendFileSync(path, line("three\n"));
  renameSync(path, `${path}.1`);
  writeFileSync(path, line("four\n"));
  await waitFor(() => text.endsWith("three\nfour\n"));
  truncateSync(path, 0);
  await waitFor(async () => {
    appendFileSync(path, line("5\n"));
    return text.endsWith("5\n");
  });
  appendFileSync(path, line("last\n"));
  finish();
  await reading;
  t.ok(text.endsWith("last\n"), text);
});

test("following ends with its reader", async (t) => {
  await using directory = tempDir();
  const path = join(directory.path, "log");
  writeFileSync(path, line("one\n"));
  const gone = new AbortController();
  const reading = readLog(request(path, { finished: new Promise(() => {}), signal: gone.signal }), async () =>
    gone.abort(),
  );
  await t.resolves(reading);
});
