import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import type { SeccompProfile } from "../src/index.ts";
import { native, output, temporaryDirectory, thrownBy } from "./support.ts";

// Loads a program into itself, then makes calls by number and prints what came of each: 0 or the errno.
const probe = `
import ctypes, json, struct, sys
program = open(sys.argv[1], "rb").read()
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
filters = ctypes.create_string_buffer(program)
fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(filters)))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, fprog) == 0, ctypes.get_errno()
results = []
for call in json.loads(sys.argv[2]):
    ctypes.set_errno(0)
    failed = libc.syscall(*[ctypes.c_long(word) for word in call]) < 0
    results.append(ctypes.get_errno() if failed else 0)
print(json.dumps(results))
`;

const numbers =
  process.arch === "x64"
    ? { personality: 135, sethostname: 170, socket: 41 }
    : { personality: 92, sethostname: 161, socket: 198 };

/** The results of the calls in a process under this profile. */
function underProfile(
  t: { teardown(undo: () => void): void },
  profile: SeccompProfile,
  ...calls: number[][]
): number[] {
  const path = join(temporaryDirectory(t), "program");
  writeFileSync(path, native.seccompCompile(profile));
  return JSON.parse(output("/usr/bin/python3", "-c", probe, path, JSON.stringify(calls)));
}

test("calls fail with the errno asked for, and unknown names are passed over", async (t) => {
  const results = underProfile(
    t,
    {
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64"].slice(
        process.arch === "x64" ? 0 : 3,
      ),
      syscalls: [
        { names: ["personality", "no_such_call"], action: "SCMP_ACT_ERRNO", errnoRet: 99 },
        { names: ["sethostname"], action: "SCMP_ACT_ERRNO" },
        { names: ["getpid"], action: "SCMP_ACT_ALLOW" },
      ],
    },
    [numbers.personality, 0xffffffff],
    [numbers.sethostname, 0, 0],
    [numbers.socket, 1, 1, 0],
  );
  t.same(results, [99, 1, 0]);
});

test("conditions: a masked value, and alternatives on one argument", async (t) => {
  const profile: SeccompProfile = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [
      {
        names: ["socket"],
        action: "SCMP_ACT_ERRNO",
        errnoRet: 97,
        args: [
          { index: 0, value: 16, op: "SCMP_CMP_EQ" },
          { index: 0, value: 17n, op: "SCMP_CMP_EQ" },
        ],
      },
      {
        names: ["personality"],
        action: "SCMP_ACT_ERRNO",
        errnoRet: 22,
        args: [{ index: 0, value: 0xf0, valueTwo: 0x30, op: "SCMP_CMP_MASKED_EQ" }],
      },
    ],
  };
  const calls = [
    [numbers.socket, 16, 3, 0],
    [numbers.socket, 17, 3, 0],
    [numbers.socket, 1, 1, 0],
    [numbers.personality, 0x1030],
    [numbers.personality, 0xffffffff],
  ];
  t.same(underProfile(t, profile, ...calls), [97, 97, 0, 22, 0]);
});

test("names that libseccomp does not know are refused by name", async (t) => {
  const compile = (profile: SeccompProfile) => thrownBy(() => native.seccompCompile(profile))?.message;
  t.equal(compile({ defaultAction: "SCMP_ACT_MAYBE" }), "seccomp: unknown action SCMP_ACT_MAYBE");
  t.equal(
    compile({ defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_Z80"] }),
    "seccomp: unknown architecture SCMP_ARCH_Z80",
  );
  const rule = { names: ["read"], action: "SCMP_ACT_KILL", args: [{ index: 0, value: 1, op: "SCMP_CMP_NEAR" }] };
  t.equal(compile({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] }), "seccomp: unknown operator SCMP_CMP_NEAR");
});

test("under an allow-list a call newer than the list is absent, and an older one is refused", async (t) => {
  const header =
    process.arch === "x64" ? "/usr/include/x86_64-linux-gnu/asm/unistd_64.h" : "/usr/include/asm-generic/unistd.h";
  const all = [...readFileSync(header, "utf8").matchAll(/#define __NR_(\w+) \d+/g)].map(([, name]) => name as string);
  const names = all.filter((name) => name !== "personality");
  const rules = [{ names, action: "SCMP_ACT_ALLOW" }];
  const calls = [[5000], [numbers.personality, 0xffffffff], [numbers.socket, 1, 1, 0]];
  const listed = {
    defaultAction: "SCMP_ACT_ERRNO",
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
    syscalls: rules,
  };
  t.same(underProfile(t, process.arch === "x64" ? listed : { ...listed, architectures: [] }, ...calls), [38, 1, 0]);
  t.same(
    underProfile(t, { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 38, syscalls: rules }, ...calls),
    [38, 38, 0],
  );
});
