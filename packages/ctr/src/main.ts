#!/usr/bin/env node
import { runProgram } from "@gantry/cli/program";
import { dispatch } from "./dispatch.ts";
import { versionLine } from "./global-flags.ts";

runProgram(process.argv.slice(2), { versionLine, errorPrefix: "ctr: ", dispatch });
