import { test } from "tap";
import { formatHelp, parseFlags, UsageError } from "../src/index.ts";

const table = {
  rm: { type: "boolean", doc: "Remove" },
  interactive: { type: "boolean", short: "i", doc: "Keep stdin open" },
  tty: { type: "boolean", short: "t", doc: "Terminal" },
  env: { type: "list", short: "e", value: "NAME=VALUE", doc: "Environment" },
  publish: { type: "list", short: "p", value: "PORT", doc: "Ports" },
  name: { type: "string", value: "NAME", doc: "Name" },
  time: { type: "integer", short: "t2", value: "SECONDS", default: 10, doc: "Seconds" },
} as const;

test("flags are read in every form that people type", async (t) => {
  const parsed = parseFlags(
    ["-it", "-eA=1", "-e", "B=2", "--env=C=3", "--rm=false", "-p8080:80", "image", "-x"],
    table,
    {
      stopAtPositional: true,
    },
  );
  t.match(parsed.values, {
    interactive: true,
    tty: true,
    env: ["A=1", "B=2", "C=3"],
    rm: false,
    publish: ["8080:80"],
    time: 10,
  });
  t.strictSame(parsed.args, ["image", "-x"]);
  t.ok(parsed.given.has("rm"));
});

test("two dashes end the flags, wherever they stand", async (t) => {
  t.strictSame(parseFlags(["a", "--", "--rm", "-i"], table).args, ["a", "--rm", "-i"]);
});

test("single-dash long flags, as Go's flag package has them", async (t) => {
  const parsed = parseFlags(["-name", "x", "-rm", "-time=3"], table, { singleDash: true });
  t.match(parsed.values, { name: "x", rm: true, time: 3 });
});

test("a wrong command line names the flag", async (t) => {
  const cases: [string[], string][] = [
    [["--nope"], "unknown flag: --nope"],
    [["-z"], "unknown shorthand flag: 'z' in -z"],
    [["--name"], "flag needs an argument: --name"],
    [["--time=soon"], 'invalid value "soon" for --time: must be a whole number'],
    [["--rm=perhaps"], 'invalid value "perhaps" for --rm: must be true or false'],
    [["--toString"], "unknown flag: --toString"],
  ];
  for (const [argv, message] of cases) t.throws(() => parseFlags(argv, table), new UsageError(message));
});

test("help lists flags in columns and gives an example", async (t) => {
  const help = formatHelp({ usage: "x [OPTIONS]", summary: "Does x.", flags: table, examples: ["x --rm"] });
  t.match(help, /^Usage: {2}x \[OPTIONS\]\n\nDoes x\./);
  t.match(help, / {2}-e, --env NAME=VALUE +Environment\n/);
  t.match(help, /Examples:\n {2}x --rm\n$/);
});

test("a flag's other names mean the same, and are not in the help", async (t) => {
  const network = { network: { type: "list", value: "NAME", aliases: ["net"], doc: "Network" } } as const;
  const parsed = parseFlags(["--net", "a", "--network=b"], network);
  t.strictSame(parsed.values.network, ["a", "b"]);
  t.ok(parsed.given.has("network"));
  t.notMatch(formatHelp({ usage: "x", summary: "x", flags: network, examples: ["x"] }), "--net ");
});
