import { test } from "tap";
import { unclearPassages } from "../../tools/src/wording.ts";

const passages = (text: string, code = true) => unclearPassages(text, code).map(({ passage }) => passage);

test("terms of no engineer are refused, each with a better one", (t) => {
  const refused: readonly (readonly [text: string, passage: string])[] = [
    ["// Digests of whoever stored it.", "whoever"],
    ["/** The peer to whom it goes. */", "whom"],
    ["/* Rejections that nobody waited for. */", "nobody w"],
    ["// A call waits until it has its turn.", "has its turn"],
    ["// The engine is told of the exit.", "told"],
    ["// Tells the engine of the exit.", "Tells"],
    ["// The queue is worked off.", "worked off"],
    ["// A reader gives its credit back.", "gives its credit back"],
    ["const help = `wishes of the user`;", "wishes"],
    ["// Only who asks gets it.", "who asks"],
    ["// One that waits for one that runs.", "One that waits for one that"],
    ["// It fails with its own words, in its words.", "in its words"],
  ];
  for (const [text, passage] of refused) {
    t.same(passages(text), [passage], text);
    t.match(unclearPassages(text, false), [{ line: 1, better: /\w/ }], "in a document too");
  }
  t.end();
});

test("a passage is found across the lines of a comment, at the line where it begins", (t) => {
  t.match(unclearPassages("a();\n/**\n * The shim gives\n * back the lock.\n */\n", true), [
    { line: 3, passage: "gives back" },
  ]);
  t.end();
});

test("comments and descriptions begin with their noun", (t) => {
  for (const text of [
    "/** What it carries. */",
    "/**\n * What it carries.\n */",
    "run(); // What it carries.",
    "/* Whatever it carries. */",
    'const call = { doc: "What it carries." };',
  ])
    t.match(passages(text), [/What/], text);
  for (const text of [
    "/** The fields. What follows is kept. */",
    "/**\n * The fields.\n * What follows is kept.\n */",
    "// The fields.\n// What follows is kept.",
    'const url = "https://What";',
    "## What works",
  ])
    t.same(passages(text), [], text);
  t.end();
});

test("names of code are the field's", (t) => {
  for (const text of [
    "function attributeWords() {}",
    "const words = 1;",
    "f(words: string)",
    "int say(const char *words);",
    "tellExit();",
    "this.giveBack();",
  ])
    t.equal(passages(text).length, 1, text);
  t.end();
});

test("usual English and the names of others pass", (t) => {
  for (const text of [
    "const keywords = 1, passwords = 2;",
    "// The user nobody has the number 65534.",
    '"nobody:x:65534"',
    "// Nothing tells a frozen task apart from a slow one.",
    "// Messages take a turn of the event loop.",
    "// It works offline; fall back to copies.",
    "// Two processors: one that runs the test. And one that builds.",
    "// ten words of 8 bytes",
  ])
    t.same(passages(text), [], text);
  t.end();
});
