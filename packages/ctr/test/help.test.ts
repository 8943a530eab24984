import { join } from "node:path";
import { jsProgram, run } from "@gantry/testkit";
import t from "tap";
import { nouns, topLevel } from "../src/commands/table.ts";

const ctr = (...args: string[]) => run(jsProgram, ["--", join(import.meta.dirname, "../src/main.ts"), ...args]);
const nowhere = ["-a", "/nowhere/supervisor.sock"];

t.test("every command has a help text with an example", async (t) => {
  const verbs = nouns.flatMap((noun) => noun.verbs.map((verb) => ({ args: [noun.name, verb.name], load: verb.load })));
  const all = [...topLevel.map(({ name, load }) => ({ args: [name], load })), ...verbs];
  const { commandHelp } = await import("../src/help/texts.ts");
  for (const { args, load } of all) {
    const { command } = await load();
    const name = `ctr ${args.join(" ")}`;
    const text = commandHelp(command, name);
    t.match(text, new RegExp(`^Usage:  ${name}`), name);
    t.match(text, /\nExamples:\n {2}ctr /, `${name} has an example`);
  }
});

t.test("aliases and exit codes", async (t) => {
  for (const args of [
    ["i", "ls"],
    ["image", "list"],
    ["c", "ls"],
    ["t", "ls"],
    ["ns", "ls"],
    ["snapshot", "ls"],
    ["plugin", "ls"],
  ]) {
    const { code, stdout } = await ctr(...args, "--help");
    t.equal(code, 0, args.join(" "));
    t.match(stdout, /^Usage: {2}ctr /);
  }
  const unknown = await ctr("images", "fly");
  t.equal(unknown.code, 3, "as ctr: an unknown command");
  t.match(unknown.stderr, "no such command: images fly");
  for (const args of ["containers checkpoint", "c restore", "images convert"]) {
    const refused = await ctr(...args.split(" "));
    t.equal(refused.code, 3, args);
    t.match(refused.stderr, `ctr: ${args} is not supported: `);
  }
  const flag = await ctr("run", "--fly");
  t.equal(flag.code, 1);
  t.match(flag.stderr, "unknown flag: --fly");
  const none = await ctr("--version");
  t.equal(none.code, 0);
});

t.test("bad input is reported before the supervisor is called", async (t) => {
  const cases: [string[], RegExp][] = [
    [["images", "pull"], /please provide an image reference to pull/],
    [["images", "pull", "UPPER"], /must be lowercase/],
    [["images", "pull", "--platform", "a/b/c/d", "busybox"], /invalid platform/],
    [["content", "get", "bad"], /invalid checksum digest format/],
    [["run", "busybox"], /container id must be provided/],
    [["run", "--rm", "-d", "busybox", "x"], /--detach and --rm cannot be specified together/],
    [["run", "--null-io", "--log-uri", "file:///x", "busybox", "x"], /only one of/],
    [["run", "--runtime", "nope", "busybox", "x"], /--runtime nope: must be/],
    [["run", "--gpus", "1", "busybox", "x"], /--gpus is not supported: give the devices: --device PATH/],
    [["run", "--cni=true", "busybox", "x"], /--cni is not supported: .*--with-ns network:PATH/],
    [["run", "--no-pivot", "busybox", "x"], /--no-pivot is not supported: .*pivot_root/],
    [["c", "create", "--remap-labels", "busybox", "x"], /--remap-labels is not supported: /],
    [["images", "pull", "--http-dump", "busybox"], /--http-dump is not supported: /],
    [["content", "active", "--root", "/x"], /--root is not supported: .*--address/],
    [["snapshots", "diff", "--ref", "x", "y"], /--ref is not supported: /],
    [["content", "push-object", "busybox"], /please provide an image reference and the digest/],
    [["content", "push-object", "busybox", "bad"], /invalid checksum digest format/],
    [["content", "fetch-object", "busybox", "bad"], /invalid checksum digest format/],
    [["run", "--config", "/nowhere", "x"], /cannot load spec config file: open \/nowhere: no such file/],
    [["tasks", "kill", "-s", "FLY", "x"], /invalid signal: FLY/],
    [["tasks", "exec", "x", "ls"], /required flag "exec-id" not set/],
    [["tasks", "metrics", "--format", "xml", "x"], /must be one of table, json/],
    [["leases", "create", "-x", "soon"], /must be a duration/],
    [["--timeout", "soon", "version"], /must be a duration/],
    [["snapshots", "--snapshotter", "zfs", "ls"], /must be one of overlayfs, native/],
    [["namespaces", "create", "x", "=y"], /must be KEY=VALUE/],
  ];
  for (const [args, pattern] of cases) {
    const { code, stderr } = await ctr(...nowhere, ...args);
    t.equal(code, 1, args.join(" "));
    t.match(stderr, pattern);
    t.match(stderr, /^ctr: /);
  }
});

t.test("a missing supervisor is reported in one line", async (t) => {
  for (const args of [["version"], ["images", "pull", "busybox"], ["run", "busybox", "x"], ["events"]]) {
    const { code, stderr } = await ctr(...nowhere, ...args);
    t.equal(code, 1, args.join(" "));
    t.match(stderr, /^ctr: Cannot connect to the Gantry supervisor at ipc:\/\/\/nowhere\/supervisor.sock/);
    t.equal(stderr.split("\n").length, 2);
  }
});
