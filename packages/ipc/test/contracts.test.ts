import { readFileSync } from "node:fs";
import { test } from "tap";
import { printContracts } from "../src/contracts/print.ts";
import { printReference } from "../src/contracts/print-reference.ts";

const again = "an intended change? `node tools/src/contracts.ts` prints them again";
const text = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

test("the printed form of the contracts is current", async (t) => {
  t.equal(printContracts(), text("../src/contracts/contracts.golden.txt"), again);
});

test("the API reference is current, and has every method", async (t) => {
  const reference = text("../../../docs/contracts.md");
  t.equal(printReference(), reference, again);
  t.match(
    reference,
    /### engine: containerCreate\n\n.*\n\n\*call · since engine\/1 · errors: NotFound, AlreadyExists\*/,
  );
});
