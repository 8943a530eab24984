import { join } from "node:path";
import { run, workTree } from "@gantry/testkit";
import t from "tap";
import { nouns, topLevel } from "../src/commands/table.ts";

const node = join(workTree, "node_modules/.bin/node");
const ctr = (...args: string[]) => run(node, ["--", join(import.meta.dirname, "../src/main.ts"), ...args]);
const nowhere = ["-a", "/nowhere/supervisor.sock"];

t.test("every command has a help text with an example", async (t) => {
  const verbs = nouns.flatMap((noun) => noun.verbs.map((verb) => ({ words: [noun.name, verb.name], load: verb.load })));
  const all = [...topLevel.map(({ name, load }) => ({ words: [name], load })), ...verbs];
  const { commandHelp } = await import("../src/help/texts.ts");
  for (const { words, load } of all) {
    const { command } = await load();
    const name = `ctr ${words.join(" ")}`;
    const text = commandHelp(command, name);
    t.match(text, new RegExp(`^Usage:  ${name}`), name);
    t.match(text, /\nExamples:\n {2}ctr /, `${name} has an example`);
  }
});

t.test("aliases and exit codes", async (t) => {
  for (const words of [
    ["i", "ls"],
    ["image", "list"],
    ["c", "ls"],
    ["t", "ls"],
    ["ns", "ls"],
    ["snapshot", "ls"],
    ["plugin", "ls"],
  ]) {
    const { code, stdout } = await ctr(...words, "--help");
    t.equal(code, 0, words.join(" "));
    t.match(stdout, /^Usage: {2}ctr /);
  }
  const unknown = await ctr("images", "fly");
  t.equal(unknown.code, 3, "as ctr: an unknown command");
  t.match(unknown.stderr, "no such command: images fly");
  const flag = await ctr("run", "--fly");
  t.equal(flag.code, 1);
  t.match(flag.stderr, "unknown flag: --fly");
  const none = await ctr("--version");
  t.equal(none.code, 0);
});

t.test("bad input is told before a supervisor is asked", async (t) => {
  const cases: [string[], RegExp][] = [
    [["images", "pull"], /please provide an image reference to pull/],
    [["images", "pull", "UPPER"], /must be lowercase/],
    [["images", "pull", "--platform", "a/b/c/d", "busybox"], /invalid platform/],
    [["content", "get", "bad"], /invalid checksum digest format/],
    [["run", "busybox"], /container id must be provided/],
    [["run", "--rm", "-d", "busybox", "x"], /--detach and --rm cannot be specified together/],
    [["run", "--null-io", "--log-uri", "file:///x", "busybox", "x"], /only one of/],
    [["run", "--runtime", "nope", "busybox", "x"], /--runtime nope: must be/],
    [["run", "--gpus", "1", "busybox", "x"], /unknown flag: --gpus/],
    [["run", "--config", "/nowhere", "x"], /cannot load spec config file: open \/nowhere: no such file/],
    [["tasks", "kill", "-s", "FLY", "x"], /invalid signal: FLY/],
    [["tasks", "exec", "x", "ls"], /required flag "exec-id" not set/],
    [["tasks", "metrics", "--format", "xml", "x"], /must be one of table, json/],
    [["leases", "create", "-x", "soon"], /must be a duration/],
    [["--timeout", "soon", "version"], /must be a duration/],
    [["snapshots", "--snapshotter", "zfs", "ls"], /must be one of overlayfs, native/],
    [["namespaces", "create", "x", "=y"], /must be KEY=VALUE/],
  ];
  for (const [words, pattern] of cases) {
    const { code, stderr } = await ctr(...nowhere, ...words);
    t.equal(code, 1, words.join(" "));
    t.match(stderr, pattern);
    t.match(stderr, /^ctr: /);
  }
});

t.test("a supervisor that is not there is told in one line", async (t) => {
  for (const words of [["version"], ["images", "pull", "busybox"], ["run", "busybox", "x"], ["events"]]) {
    const { code, stderr } = await ctr(...nowhere, ...words);
    t.equal(code, 1, words.join(" "));
    t.match(stderr, /^ctr: Cannot connect to the Gantry supervisor at ipc:\/\/\/nowhere\/supervisor.sock/);
    t.equal(stderr.split("\n").length, 2);
  }
});
