import { closeSync, openSync, readFileSync } from "node:fs";
import { test } from "tap";
import { buildInit } from "../init/build.ts";
import { generate, outputs } from "../schema/generate.ts";
import { AF_UNIX, nativeSys, P_PID, SOCK_STREAM, WEXITED } from "../src/index.ts";

test("both views of the operations are those of the schema", async (t) => {
  const { header, calls, module } = generate();
  const renew = "run: node packages/native-sys/schema/generate.ts";
  t.equal(readFileSync(outputs.header, "utf8"), header, renew);
  t.equal(readFileSync(outputs.calls, "utf8"), calls, renew);
  t.equal(readFileSync(outputs.module, "utf8"), module, renew);
});

/** Numbers of four bytes, as a plan's headers are made of. */
function uint32s(...values: number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) buffer.writeUInt32LE(value, index * 4);
  return buffer;
}

const magic = 0x6e616c70;
const { version: planVersion } = JSON.parse(readFileSync(new URL("../schema/ops.json", import.meta.url), "utf8"));
/** A field of text: its length with the NUL, its bytes, padded to eight. */
const text = (value: string) =>
  Buffer.concat([uint32s(value.length + 1, 0), Buffer.alloc((value.length + 8) & ~7, value + "\0".repeat(8))]);
const operation = (number: number, fields: Buffer) => Buffer.concat([uint32s(number, fields.length), fields]);
const plan = (...operations: Buffer[]) => {
  const body = Buffer.concat(operations);
  return Buffer.concat([uint32s(magic, planVersion, operations.length, body.length), body]);
};

/** Gives the helper some bytes for a plan; its last message. */
async function answerTo(
  program: string,
  bytes: Uint8Array,
): Promise<{ kind: number; index: number; errno: number; message: string }> {
  const native = nativeSys();
  const [ours, theirs] = native.socketPair(AF_UNIX, SOCK_STREAM, 0);
  const nothing = openSync("/dev/null", "r+");
  const { pid, pidFd } = native.spawn({
    program,
    argv: ["init", "3"],
    env: [],
    fds: [nothing, nothing, nothing, theirs],
  });
  for (const fd of [theirs, nothing, pidFd]) closeSync(fd);
  native.socketSend(ours, bytes, 0);
  const answer = native.socketRecv(ours, 4096, 0) ?? Buffer.alloc(0);
  closeSync(ours);
  while (!native.waitid(P_PID, pid, WEXITED)) await new Promise(setImmediate);
  return {
    kind: answer.readUInt32LE(0),
    index: answer.readUInt32LE(4),
    errno: answer.readInt32LE(8),
    message: answer.toString("utf8", 16),
  };
}

test("malformed plans are refused, and failures name their operation", async (t) => {
  const program = buildInit();
  const [EINVAL, ENOENT, ENOSYS, ENOEXEC] = [22, 2, 38, 8];
  const missing = operation(1, Buffer.concat([text("/nonexistent/file"), text("0")]));
  const umask = operation(44, uint32s(0o22, 0));
  const cases: readonly (readonly [name: string, bytes: Buffer, index: number, errno: number])[] = [
    ["another magic", Buffer.concat([uint32s(1, 1, 1, 8), uint32s(0, 0)]), 0, EINVAL],
    ["another version", Buffer.concat([uint32s(magic, 99, 1, 8), uint32s(0, 0)]), 0, EINVAL],
    ["an unknown operation", plan(operation(9999, uint32s(0, 0))), 0, ENOSYS],
    ["fields that end too early", plan(operation(1, uint32s(200, 0))), 0, EINVAL],
    ["a text without its end", plan(operation(30, Buffer.concat([uint32s(8, 0), Buffer.alloc(8, "x")]))), 0, EINVAL],
    ["a list longer than the plan", plan(operation(3, uint32s(0, 0, 0xffffff, 0))), 0, EINVAL],
    [
      "more operations announced than there are",
      Buffer.concat([uint32s(magic, planVersion, 2, umask.length), umask]),
      1,
      EINVAL,
    ],
    ["an operation that fails", plan(umask, missing), 1, ENOENT],
    ["no exec at the end", plan(umask), 1, ENOEXEC],
  ];
  for (const [name, bytes, index, errno] of cases) {
    const answer = await answerTo(program, bytes);
    t.match(answer, { kind: 1, index, errno }, `${name}: ${answer.message}`);
  }
});
