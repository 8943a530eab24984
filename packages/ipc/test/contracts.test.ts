import { readFileSync } from "node:fs";
import { test } from "tap";
import { printContracts } from "../src/contracts/print.ts";

test("the contracts are what their printed form says", async (t) => {
  const golden = readFileSync(new URL("../src/contracts/contracts.golden.txt", import.meta.url), "utf8");
  t.equal(printContracts(), golden, "meant to change? contracts/print.ts says how to print them again");
});
