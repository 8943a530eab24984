import type { Arch } from "../arch.ts";

/** Machine code of an executable. */
export interface Code {
  readonly arch: Arch["name"];
  /** A view of the file's bytes: changes reach the file. */
  readonly bytes: Buffer;
}

/**
 * Disarms comparisons with a name that the compiler has turned into one comparison for each character: the first one
 * then expects "=". Returns how many it found.
 */
export function disarmComparisons(code: Code, name: string): number {
  const places = code.arch === "x64" ? comparisonsX64(code.bytes, name) : comparisonsArm64(code.bytes, name);
  for (const write of places) write();
  return places.length;
}

/** Disarms names that the code contains as numbers of eight bytes (movabs, Intel SDM volume 2). */
export function disarmNumbers({ arch, bytes }: Code, names: readonly string[]): void {
  if (arch !== "x64") return;
  for (const name of names.filter(({ length }) => length >= 8)) {
    const start = Buffer.from(name.slice(0, 8), "latin1");
    for (let at = bytes.indexOf(start); at >= 0; at = bytes.indexOf(start, at + 1)) {
      const [prefix = 0, opcode = 0] = bytes.subarray(at - 2, at);
      if ((prefix === 0x48 || prefix === 0x49) && opcode >= 0xb8 && opcode <= 0xbf) bytes.write("=", at, "latin1");
    }
  }
}

type Write = () => void;

/** `cmp byte ptr [register + n], character` and `jne` for each character. */
function comparisonsX64(bytes: Buffer, name: string): Write[] {
  const compare = String.raw`\x41?\x80(?:[\x38-\x3f]|[\x78-\x7f][\s\S])`;
  const jump = String.raw`(?:\x75[\s\S]|\x0f\x85[\s\S]{4})`;
  const [first = "", ...others] = [...name];
  const pattern = new RegExp(
    `(${compare})${first}${jump}${others.map((one) => `${compare}${one}${jump}`).join("")}`,
    "g",
  );
  const found = bytes.toString("latin1").matchAll(pattern);
  return [...found].map(
    ({ index, 1: opcode = "" }) =>
      () =>
        void bytes.write("=", index + opcode.length, "latin1"),
  );
}

/** `cmp wN, #character` for each character, with the load and the branch in between (Arm ARM, C6.2 "CMP (immediate)"). */
function comparisonsArm64(bytes: Buffer, name: string): Write[] {
  const instructions = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.length & ~3)));
  const found: Write[] = [];
  for (let at = 0; at < instructions.length; at++)
    if (compared(instructions[at]) === name[0] && followsArm64(instructions, at, name))
      found.push(() => bytes.writeUInt32LE(withCompared(instructions[at] ?? 0, "="), at * 4));
  return found;
}

const maxGap = 5;

function followsArm64(instructions: Uint32Array, start: number, name: string): boolean {
  let at = start;
  for (const character of name.slice(1)) {
    const next = instructions.subarray(at + 1, at + 1 + maxGap).findIndex((one) => compared(one) === character);
    if (next < 0) return false;
    at += 1 + next;
  }
  return true;
}

/** The character that a 32-bit `cmp` with an immediate compares with; undefined for another instruction. */
function compared(instruction = 0): string | undefined {
  if ((instruction & 0xffc0001f) >>> 0 !== 0x7100001f) return undefined;
  return String.fromCharCode((instruction >>> 10) & 0xfff);
}

function withCompared(instruction: number, character: string): number {
  return ((instruction & ~(0xfff << 10)) | (character.charCodeAt(0) << 10)) >>> 0;
}
