import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "tap";

/** For longer: `PLAN_FUZZ_SECONDS=600 node packages/native-sys/test/plan-fuzz.test.ts`. */
const seconds = Number(process.env["PLAN_FUZZ_SECONDS"] ?? 5);
const here = (path: string) => new URL(path, import.meta.url).pathname;

interface Schema {
  readonly version: number;
  readonly ops: readonly { readonly number: number; readonly fields: Readonly<Record<string, string>> }[];
}

function u64(...values: number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 8);
  for (const [index, value] of values.entries()) buffer.writeBigUInt64LE(BigInt(value), index * 8);
  return buffer;
}

const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 7)]);
const text = (value: string) => Buffer.concat([u64(value.length + 1), padded(Buffer.from(`${value}\0`))]);

/** A well-formed value of each type of field (init/wire.c). */
const samples: Readonly<Record<string, Buffer>> = {
  number: u64(7),
  string: text("/some/path"),
  strings: Buffer.concat([u64(3, 0, 0, 0, 0), text("first"), text(""), text("a longer third one")]),
  numbers: u64(4, 1, 2, 3, 4),
  bytes: Buffer.concat([u64(19), padded(Buffer.alloc(19, 1))]),
};

/** A plan with one of every operation. */
function wholePlan(): Buffer {
  const { version, ops } = JSON.parse(readFileSync(here("../schema/ops.json"), "utf8")) as Schema;
  const operations = ops.map(({ number, fields }) => {
    const body = Buffer.concat(Object.values(fields).map((type) => samples[type] ?? Buffer.alloc(0)));
    return Buffer.concat([Buffer.from(new Uint32Array([number, body.length]).buffer), body]);
  });
  const body = Buffer.concat(operations);
  const header = new Uint32Array([0x6e616c70, version, operations.length, body.length]);
  return Buffer.concat([Buffer.from(header.buffer), body]);
}

test("damaged plans do the decoder no harm", { timeout: (seconds + 60) * 1000 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "plan-fuzz-"));
  try {
    const [program, seed] = [join(directory, "plan-fuzz"), join(directory, "seed")];
    writeFileSync(seed, wholePlan());
    const flags = ["-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", `-I${here("../init")}`];
    const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    execFileSync("gcc", [...flags, ...sanitizers, "-o", program, here("plan-fuzz.c"), here("../init/wire.c")]);
    const stdout = execFileSync(program, [seed, String(seconds)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.match(stdout, /^seed \d+\nplans \d{4,}\n$/, stdout.trim());
  } finally {
    rmSync(directory, { recursive: true });
  }
});
