import { readFileSync, writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";

/** node compile.ts SOURCE CACHE …: writes each script's code cache, which holds every function's body. */
const files = process.argv.slice(2);
for (let at = 0; at < files.length; at += 2) {
  const [source = "", cache = ""] = files.slice(at, at + 2);
  setFlagsFromString("--no-lazy");
  const script = new Script(readFileSync(source, "latin1"));
  // The cache is marked with the flags as they are when it is taken.
  setFlagsFromString("--lazy");
  writeFileSync(cache, script.createCachedData());
}
