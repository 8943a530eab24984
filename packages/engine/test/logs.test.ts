import { appendFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { checkLogConfig, logConfigOf } from "../src/logs/log-config.ts";
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

test("a line that the log holds in parts is one line: one time before it, one of the last lines", async (t) => {
  await using directory = tempDir();
  const path = join(directory.path, "log");
  writeFileSync(`${path}.1`, line("first\n", 1) + line("begin,", 2));
  writeFileSync(
    path,
    line("middle,", 2) + line("aside\n", 2, { stream: "stderr" }) + line("end\n", 3) + line("last\n", 4),
  );
  t.equal(await read(path, { tail: 1 }), "last\n");
  t.equal(await read(path, { tail: 4, stderr: false }), "first\nbegin,middle,end\nlast\n");
  const stamped = await read(path, { timestamps: true, stderr: false });
  t.match(stamped, /^\S+Z first\n\S+Z begin,middle,end\n\S+Z last\n$/);
  writeFileSync(path, line("ends in a backslash and n: \\n") + line("goes on\n"));
  t.equal(await read(path, { tail: 1 }), "begin,ends in a backslash and n: \\ngoes on\n");
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

test("log options: Docker's names and refusals", (t) => {
  const config = (Config: Record<string, string>, Type = "json-file") => ({ LogConfig: { Type, Config } });
  const refused: [Record<string, string>, RegExp][] = [
    [{ size: "1m" }, /^unknown log opt 'size' for json-file log driver$/],
    [{ "max-size": "much" }, /invalid max-size: "much"/],
    [{ "max-size": "0" }, /max-size must be a positive number/],
    [{ "max-file": "0" }, /max-file cannot be less than 1/],
    [
      { compress: "true", "max-file": "3" },
      /compress cannot be true when max-file is less than 2 or max-size is not set/,
    ],
    [{ compress: "perhaps" }, /invalid compress/],
    [{ mode: "fast" }, /logger: logging mode not supported: fast/],
    [{ "max-buffer-size": "1m" }, /max-buffer-size option is only supported with 'mode=non-blocking'/],
    [{ "labels-regex": "(" }, /invalid labels-regex/],
    [{ tag: "{{.Nothing}}" }, /invalid tag: \{\{\.Nothing\}\}: use \{\{\.ID\}\}/],
  ];
  for (const [options, words] of refused) t.throws(() => checkLogConfig(config(options)), { message: words });
  t.throws(() => checkLogConfig(config({}, "local")), { message: /no log driver named 'local' is registered/ });
  t.doesNotThrow(() => checkLogConfig(config({}, "none")));
  const hostConfig = config({
    ...{ "max-size": "10k", "max-file": "3", compress: "true", mode: "non-blocking", "max-buffer-size": "4k" },
    ...{ labels: "a,none", "labels-regex": "^x\\.", env: "HOME", tag: "{{.Name}}/{{.ID}}" },
  });
  const container = {
    ...{ id: "0123456789abcdef", name: "web", imageId: "sha256:ff", hostConfig },
    config: { Labels: { a: "1", b: "2", "x.y": "3" }, Env: ["HOME=/root=", "OTHER=1"] },
  };
  t.same(logConfigOf(container, "/log"), {
    ...{ driver: "json-file", path: "/log", maxSize: 10_000, maxFiles: 3, compress: true },
    ...{ mode: "non-blocking", maxBufferSize: 4096 },
    attrs: { a: "1", "x.y": "3", HOME: "/root=", tag: "web/0123456789ab" },
  });
  t.end();
});
