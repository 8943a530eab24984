import { closeSync, openSync } from "node:fs";
import { RotatedFile } from "../../src/rotated-file.ts";

/** Appends lines to a rotated log while the process has no free descriptor, and once more when it has one again. */
const [path = ""] = process.argv.slice(2);
const errors: string[] = [];
const file = new RotatedFile({ path, maxSize: 10, maxFiles: 4, onError: (error) => errors.push(error.message) });
const taken: number[] = [];
const outcome = await file.append(Buffer.from("current--\n")).then(takeAll).catch(String);
for (const line of ["kept 1\n", "kept 2\n", "kept 3\n"]) await file.append(Buffer.from(line));
for (const fd of taken) closeSync(fd);
await file.append(Buffer.from("rotated\n"));
await file.close();
process.stdout.write(JSON.stringify({ errors, outcome }));

function takeAll(): string {
  try {
    for (;;) taken.push(openSync("/dev/null", "r"));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "";
  }
}
