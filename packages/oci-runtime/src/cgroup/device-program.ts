import {
  BPF_DEVCG_ACC_MKNOD,
  BPF_DEVCG_ACC_READ,
  BPF_DEVCG_ACC_WRITE,
  BPF_DEVCG_DEV_BLOCK,
  BPF_DEVCG_DEV_CHAR,
} from "@gantry/native-sys";
import type { DeviceRule } from "@gantry/oci-spec/runtime";
import { deviceAccess } from "./device-access.ts";

/** One instruction of the kernel's virtual machine: struct bpf_insn of linux/bpf.h. */
export interface Instruction {
  readonly code: number;
  readonly dst: number;
  readonly src: number;
  readonly offset: number;
  readonly immediate: number;
  /** The instruction in readable form. */
  readonly text: string;
}

const registers = { result: 0, context: 1, type: 2, access: 3, major: 4, minor: 5 } as const;
const everything = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;

/**
 * The device rules of a container as a program that the kernel runs before a device is opened or created
 * (BPF_PROG_TYPE_CGROUP_DEVICE). Pure.
 *
 * As in runtime-spec the last rule that matches an access decides it; an access without a rule is refused. So the rules
 * are checked from the last to the first: a matching deny rule refuses the request, a matching allow rule clears its
 * access bits from those still requested, and once none is left the request is granted.
 */
export function deviceProgram(rules: readonly DeviceRule[]): Instruction[] {
  const program = [...prologue()];
  for (const rule of rules.toReversed()) {
    const { matches, body } = ruleCode(rule);
    program.push(...matches, ...body);
    if (matches.length === 0 && accessBits(rule) === everything) return program;
  }
  return [...program, ...answer(0)];
}

/** The program as the kernel takes it. */
export function assemble(program: readonly Instruction[]): Buffer {
  const code = Buffer.alloc(program.length * 8);
  for (const [index, { code: operation, dst, src, offset, immediate }] of program.entries()) {
    const at = index * 8;
    code.writeUInt8(operation, at);
    code.writeUInt8(dst | (src << 4), at + 1);
    code.writeInt16LE(offset, at + 2);
    code.writeInt32LE(immediate, at + 4);
  }
  return code;
}

/** struct bpf_cgroup_dev_ctx: the type in the lower half of the first word and the access in the upper, then the numbers. */
function prologue(): Instruction[] {
  const { type, access, major, minor } = registers;
  return [
    load(type, 0, "type and access"),
    { code: 0xbf, dst: access, src: type, offset: 0, immediate: 0, text: "access = both" },
    { code: 0x77, dst: access, src: 0, offset: 0, immediate: 16, text: "access >>= 16" },
    { code: 0x57, dst: type, src: 0, offset: 0, immediate: 0xffff, text: "type &= 0xffff" },
    load(major, 4, "major"),
    load(minor, 8, "minor"),
  ];
}

function ruleCode(rule: DeviceRule): { matches: Instruction[]; body: Instruction[] } {
  const body = rule.allow ? allowed(accessBits(rule)) : denied(accessBits(rule));
  const wanted: [name: "type" | "major" | "minor", value: number][] = [];
  if (rule.type && rule.type !== "a") {
    wanted.push(["type", rule.type === "b" ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR]);
    if (rule.major !== undefined && rule.major >= 0) wanted.push(["major", rule.major]);
    if (rule.minor !== undefined && rule.minor >= 0) wanted.push(["minor", rule.minor]);
  }
  const matches = wanted.map(([name, value], index) =>
    unlessEqual(name, value, wanted.length - index - 1 + body.length),
  );
  return { matches, body };
}

function accessBits(rule: DeviceRule): number {
  const access = deviceAccess(rule);
  let bits = 0;
  if (access.includes("m")) bits |= BPF_DEVCG_ACC_MKNOD;
  if (access.includes("r")) bits |= BPF_DEVCG_ACC_READ;
  if (access.includes("w")) bits |= BPF_DEVCG_ACC_WRITE;
  return bits;
}

/** Removes the access that this rule allows from the requested access; grants when nothing remains. */
function allowed(bits: number): Instruction[] {
  if (bits === everything) return answer(1);
  const { access } = registers;
  return [
    { code: 0x57, dst: access, src: 0, offset: 0, immediate: everything & ~bits, text: `access &= ~${bits}` },
    { code: 0x55, dst: access, src: 0, offset: 2, immediate: 0, text: "if access != 0 skip 2" },
    ...answer(1),
  ];
}

function denied(bits: number): Instruction[] {
  if (bits === everything) return answer(0);
  return [
    { code: 0x45, dst: registers.access, src: 0, offset: 1, immediate: bits, text: `if access & ${bits} skip 1` },
    { code: 0x05, dst: 0, src: 0, offset: 2, immediate: 0, text: "skip 2" },
    ...answer(0),
  ];
}

function answer(value: 0 | 1): Instruction[] {
  return [
    { code: 0xb7, dst: registers.result, src: 0, offset: 0, immediate: value, text: value ? "allow" : "deny" },
    { code: 0x95, dst: 0, src: 0, offset: 0, immediate: 0, text: "end" },
  ];
}

function load(register: number, offset: number, text: string): Instruction {
  return { code: 0x61, dst: register, src: registers.context, offset, immediate: 0, text: `load ${text}` };
}

function unlessEqual(name: "type" | "major" | "minor", value: number, skip: number): Instruction {
  const text = `if ${name} != ${value} skip ${skip}`;
  return { code: 0x55, dst: registers[name], src: 0, offset: skip, immediate: value, text };
}
