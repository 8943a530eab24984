import { appendFileSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { formatTimestamp } from "@gantry/common/timestamp";
import { tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { lineLimit } from "../src/format.ts";
import { type LogRequest, readLog } from "../src/read-log.ts";

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

test("all, streams, times, details, and damaged entries", async (t) => {
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

/** An entry that was cut at the line limit. */
const part = (name: string) => name.padEnd(lineLimit, ".");

test("a line that the log holds in parts is one line: one time before it, one of the last lines", async (t) => {
  await using directory = tempDir();
  const path = join(directory.path, "log");
  // The cut goes before a character that it would split.
  const [begin, middle] = [part("begin").slice(0, -3), part("middle")];
  writeFileSync(`${path}.1`, line("first\n", 1) + line(begin, 2));
  writeFileSync(
    path,
    line(middle, 2) + line("aside\n", 2, { stream: "stderr" }) + line("end\n", 3) + line("last\n", 4),
  );
  t.equal(await read(path, { tail: 1 }), "last\n");
  t.equal(await read(path, { tail: 4, stderr: false }), `first\n${begin}${middle}end\nlast\n`);
  const stamped = await read(path, { timestamps: true, stderr: false });
  t.match(stamped, /^\S+Z first\n\S+Z begin\.+middle\.+end\n\S+Z last\n$/);
  const backslash = `${part("").slice(2)}\\n`;
  writeFileSync(path, line(backslash) + line("goes on\n"));
  t.equal(await read(path, { tail: 1 }), `${begin}${backslash}goes on\n`);
});

test("a run that ended without a newline: the next run's first line has its own time and details, and is one of the last lines", async (t) => {
  await using directory = tempDir();
  const path = join(directory.path, "log");
  const attrs = { attrs: { run: "2" } };
  writeFileSync(
    path,
    line("no end", 1) + line("error", 1, { stream: "stderr" }) + line("next\n", 2, attrs) + line("later\n", 3),
  );
  const stamped = await read(path, { timestamps: true });
  t.equal(
    stamped,
    "2026-01-01T00:00:01.500000000Z no end2026-01-01T00:00:01.500000000Z error" +
      "2026-01-01T00:00:02.500000000Z next\n2026-01-01T00:00:03.500000000Z later\n",
  );
  t.equal(await read(path, { details: true, stderr: false }), " no endrun=2 next\n later\n");
  t.equal(await read(path, { tail: 2 }), "next\nlater\n");
  writeFileSync(path, line(`${part("long")}`, 1) + line("rest", 1) + line("next\n", 2));
  t.match(await read(path, { timestamps: true }), /^\S+Z long\.+rest2026-01-01T00:00:02\.500000000Z next\n$/);
});

test("since and until at an entry's own time include it, to the nanosecond", async (t) => {
  await using directory = tempDir();
  const path = join(directory.path, "log");
  const base = 1_767_225_600_123_456_700n;
  const times = Array.from({ length: 40 }, (_, index) => base + BigInt(index));
  const entry = (time: bigint) => line(`${time}\n`, 0, { time: formatTimestamp(time) });
  writeFileSync(path, times.map(entry).join(""));
  for (const [index, time] of times.entries()) {
    t.equal(await read(path, { since: time }), `${times.slice(index).join("\n")}\n`, `since ${time}`);
    t.equal(await read(path, { until: time }), `${times.slice(0, index + 1).join("\n")}\n`, `until ${time}`);
  }
});

test("a log that exists and cannot be opened is an error, not an empty log", async (t) => {
  await using directory = tempDir();
  const path = join(directory.path, "log");
  symlinkSync(path, path);
  await t.rejects(read(path), { code: "ELOOP" });
});

test("compressed parts are read like the others, at once and by a follower that lags behind several rotations", async (t) => {
  await using directory = tempDir();
  const path = join(directory.path, "log");
  writeFileSync(`${path}.2.gz`, gzipSync(line("1\n") + line("2\n")));
  writeFileSync(`${path}.1.gz`, gzipSync(line("3\n")));
  writeFileSync(path, line("4\n"));
  t.equal(await read(path), "1\n2\n3\n4\n");
  t.equal(await read(path, { tail: 3 }), "2\n3\n4\n");
  let text = "";
  let finish: () => void = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const reading = readLog(request(path, { finished, tail: 1 }), async (_, part) => {
    text += part;
    await held;
  });
  await waitFor(() => text === "4\n");
  // While the reader waits, its file gets more, is set aside and compressed, and two others come after it.
  appendFileSync(path, line("5\n"));
  writeFileSync(`${path}.2.gz`, gzipSync(readFileSync(path)));
  rmSync(path);
  writeFileSync(`${path}.1`, line("6\n"));
  writeFileSync(path, line("7\n"));
  release();
  await waitFor(() => text === "4\n5\n6\n7\n", { what: "all lines, each once" });
  finish();
  await reading;
});
