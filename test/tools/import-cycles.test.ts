import { test } from "tap";
import { importCycles } from "../../tools/src/import-cycles.ts";

const cyclesOf = (imports: Readonly<Record<string, readonly string[]>>) =>
  importCycles(new Map(Object.entries(imports)));

test("a graph without a cycle has none", async (t) => {
  t.same(cyclesOf({ main: ["left", "right"], left: ["base"], right: ["base", "left"], base: [] }), []);
});

test("two files that import each other are a cycle, wherever the search starts", async (t) => {
  t.same(cyclesOf({ main: ["a"], a: ["b"], b: ["a", "base"], base: [] }), [["a", "b"]]);
  t.same(cyclesOf({ b: ["base", "a"], a: ["b"], base: [] }), [["a", "b"]]);
});

test("cycles that share a file are one, and cycles apart are two", async (t) => {
  t.same(cyclesOf({ a: ["b", "c"], b: ["a"], c: ["a"] }), [["a", "b", "c"]]);
  t.same(cyclesOf({ a: ["b"], b: ["a", "c"], c: ["d"], d: ["c"] }).sort(), [
    ["a", "b"],
    ["c", "d"],
  ]);
});

test("a file that imports itself is a cycle", async (t) => {
  t.same(cyclesOf({ a: ["a"] }), [["a"]]);
});
