import { readFileSync } from "node:fs";
import { test } from "tap";
import { bunProgram } from "../../tools/src/bun-program.ts";
import { disarmComparisons, disarmNumbers } from "../../tools/src/environment/code.ts";
import { disarm, unreviewedNames } from "../../tools/src/environment/disarm.ts";
import { environmentRules } from "../../tools/src/environment/names.ts";

const { bun, node } = environmentRules;
const arch = process.arch as "x64" | "arm64";

test("every name in the executables that looks like a variable is reviewed", async (t) => {
  for (const [path, rules] of [
    [bunProgram, bun],
    [process.execPath, node],
  ] as const) {
    const executable = readFileSync(path);
    disarm(executable, arch, rules);
    t.same(unreviewedNames(executable, rules), [], path);
  }
});

test("a name that is not reviewed stops the build", async (t) => {
  const rules = { ...bun, disarmed: bun.disarmed.filter((name) => name !== "NODE_EXTRA_CA_CERTS") };
  t.throws(() => disarm(readFileSync(bunProgram), arch, rules), { message: /not reviewed.*: NODE_EXTRA_CA_CERTS$/ });
  const unknown = { ...bun, comparedInCode: ["BUN_XYZ_"] };
  t.throws(() => disarm(readFileSync(bunProgram), arch, unknown), { message: /no code compares with BUN_XYZ_/ });
});

test("code that compares character by character, on both processors", async (t) => {
  // cmp byte [r14], 'B'; jne; cmp byte [r14+1], 'U'; jne
  const x64 = Buffer.from("90 41803e42 75e5 41807e0155 75de 90".replaceAll(" ", ""), "hex");
  t.equal(disarmComparisons({ arch: "x64", bytes: x64 }, "BU"), 1);
  t.equal(x64.toString("hex", 4, 5), "3d");
  t.equal(disarmComparisons({ arch: "x64", bytes: x64 }, "BU"), 0);
  // cmp w8, #'B'; b.ne; ldrb w8, [x20, #1]; cmp w8, #'U'
  const arm64 = Buffer.alloc(16);
  for (const [at, one] of [0x71010d1f, 0x54000001, 0x39400688, 0x7101551f].entries()) arm64.writeUInt32LE(one, at * 4);
  arm64.writeUInt32LE(0x7100001f | (8 << 5) | (0x42 << 10), 0);
  t.equal(disarmComparisons({ arch: "arm64", bytes: arm64 }, "BU"), 1);
  t.equal((arm64.readUInt32LE(0) >>> 10) & 0xfff, "=".charCodeAt(0));
});

test("code that compares with eight bytes at a time", async (t) => {
  const bytes = Buffer.concat([Buffer.from([0x48, 0xb9]), Buffer.from("NODE_OPT"), Buffer.from(" NODE_OPT")]);
  disarmNumbers({ arch: "x64", bytes }, ["NODE_OPTIONS"]);
  t.equal(bytes.toString("latin1", 2), "=ODE_OPT NODE_OPT", "and text stays as it is");
});
