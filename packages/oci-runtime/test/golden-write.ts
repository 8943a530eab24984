import { writeFileSync } from "node:fs";
import { explain } from "../src/plan/explain.ts";
import { goldenCases } from "./golden.ts";

// Writes every plan.txt anew: `node packages/oci-runtime/test/golden-write.ts`, then read the difference.
for (const { plan, path } of goldenCases()) writeFileSync(path, explain(plan));
