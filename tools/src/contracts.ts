import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { printContracts } from "../../packages/ipc/src/contracts/print.ts";
import { printReference } from "../../packages/ipc/src/contracts/print-reference.ts";
import { paths } from "./paths.ts";

/** node tools/src/contracts.ts: prints the contracts again, as the reference for people and as the form that reviews compare. */
writeFileSync(join(paths.root, "docs/contracts.md"), printReference());
writeFileSync(join(paths.packages, "ipc/src/contracts/contracts.golden.txt"), printContracts());
