import { join } from "node:path";
import { distBin } from "@gantry/testkit";
import { oracleSuite } from "./oracle/suite.ts";

/** RUNTIME=PATH runs the suite with another runtime. */
oracleSuite(process.env["RUNTIME"] ?? join(distBin, "oci-runtime"));
