import { oracleSuite } from "./oracle/suite.ts";

oracleSuite("/usr/sbin/runc");
