import { test } from "tap";
import { parseDocument } from "../src/formats/document.ts";
import { fifoListLine, fifoPaths, parseFifoList } from "../src/formats/fifos.ts";
import { exitDocument, taskDocument } from "../src/formats/shim-directory.ts";

const exit = { id: "web", pid: 57, exitStatus: 137, exitedAt: "2026-01-02T03:04:05.123456789Z" };

test("a document without a version is of version 1; what does not match is named with its file", async (t) => {
  const parse = (value: unknown) => parseDocument(exitDocument, JSON.stringify(value), "/s/exit.json");
  t.same(parse(exit), { version: 1, ...exit });
  t.same(parse({ version: 1, ...exit }), { version: 1, ...exit });
  t.throws(() => parse({ ...exit, version: 2 }), {
    message: "/s/exit.json: version: must be 1: a newer program wrote it",
  });
  t.throws(() => parse({ ...exit, exitStatus: "137" }), {
    message: '/s/exit.json: exitStatus: must be number, not "137"',
  });
  const { exitedAt: _, ...partial } = exit;
  t.throws(() => parse(partial), { message: /^\/s\/exit\.json: exitedAt: is missing/ });
  t.throws(() => parse(null), { message: "/s/exit.json: must be Object, not null" });
  t.throws(() => parseDocument(exitDocument, '{"id":', "/s/exit.json"), { message: "/s/exit.json is not JSON" });
});

test("a task document keeps the runtime as it was given", async (t) => {
  const runtime = { path: "/usr/bin/runc", args: ["--systemd-cgroup"], root: "/run/x", worker: false };
  const task = { id: "web", namespace: "default", bundle: "/run/b", shimPid: 41, runtime };
  t.same(parseDocument(taskDocument, JSON.stringify(task), "f"), { version: 1, ...task });
  const wrong = { ...task, runtime: { ...runtime, root: "relative" } };
  t.throws(() => parseDocument(taskDocument, JSON.stringify(wrong), "f"), {
    message: "f: runtime.root: must be an absolute path",
  });
});

test("named pipes have containerd's names; their list takes any path and drops a line that is not whole", async (t) => {
  t.same(fifoPaths("/d", "web", { stdin: true, terminal: false }), {
    ...{ stdin: "/d/web-stdin", stdout: "/d/web-stdout", stderr: "/d/web-stderr" },
  });
  t.same(fifoPaths("/d", "tty", { stdin: false, terminal: true }), { stdout: "/d/tty-stdout" });
  const lines = ["/run/a", "/run/b\n/etc", '/run/"c'].map(fifoListLine).join("");
  t.same(parseFifoList(lines), ["/run/a", "/run/b\n/etc", '/run/"c']);
  t.same(parseFifoList("/run/older\n"), ["/run/older"], "a plain path, as it was written before");
  t.same(parseFifoList(`${lines}"/run/ha`), ["/run/a", "/run/b\n/etc", '/run/"c']);
  t.same(parseFifoList('"relative"\n{}\n'), []);
});
