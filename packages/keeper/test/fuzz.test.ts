import { execFileSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isSystemError, SOCK_CLOEXEC, SOCK_SEQPACKET } from "@gantry/native-sys";
import { type Random, randomFrom, tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";
import type { Fields } from "../src/generated/messages.ts";
import { startKeeper } from "../src/index.ts";
import { encode } from "../src/wire.ts";
import { reaped, sys } from "./support.ts";

/** For longer: `KEEPER_FUZZ_SECONDS=600 node packages/keeper/test/fuzz.test.ts`; the same run: `GANTRY_SEED=7`. */
const seconds = Number(process.env["KEEPER_FUZZ_SECONDS"] ?? 4);
const seed = Number(process.env["GANTRY_SEED"] ?? Date.now() % 100_000);

const names = ["", "a", "init.out", "x".repeat(31), "x".repeat(40)];
const spawn = { path: "/bin/true", argv: ["true"], env: ["A=b"], cwd: "/", flags: 0, cloneFlags: 0 };
/** Requests as clients send them. Damage may make any signal of a 0: the processes are the keeper's own. */
const samples: readonly Buffer[] = [
  encode("hello", { version: 1, watch: 1 }),
  ...names.flatMap((name) => [
    encode("spawn", { ...spawn, name }),
    encode("acknowledge", { name }),
    encode("put", { names: [name] }),
    encode("drop", { names: [name, "a"] }),
    encode("get", { names: [name] }),
    encode("signal", { name, signal: 0 }),
  ]),
  ...[0, 1].map((on) => encode("settle", { on })),
  encode("adopt", { name: "b", pid: 1 }),
  encode("list", {} as Fields["list"]),
  encode("shutdown", {} as Fields["shutdown"]),
];

test(`damaged messages do the keeper no harm (seed ${seed})`, { timeout: (seconds + 90) * 1000 }, async (t) => {
  await using files = tempDir("keeper-fuzz");
  const program = readFileSync(compiled(files.path));
  const random = randomFrom(seed);
  const none = openSync("/dev/null", "r");
  const end = performance.now() + seconds * 1000;
  let [messages, keepers] = [0, 0];
  while (performance.now() < end) {
    const path = join(files.path, `${keepers++}.sock`);
    const pid = startKeeper(sys, path, program);
    messages += await attack(path, { random, none, end });
    const status = await reaped(pid);
    if (status !== 0) t.fail(`the keeper ended with ${status} after ${messages} messages`);
  }
  closeSync(none);
  t.ok(messages > 200, `${messages} messages to ${keepers} keepers`);
});

interface Attack {
  readonly random: Random;
  /** A descriptor to send along. */
  readonly none: number;
  readonly end: number;
}

/** Sends messages until the keeper has ended by request or the time is up; then requests its end. @returns how many */
async function attack(path: string, { random, none, end }: Attack): Promise<number> {
  const socket = sys.unixConnect(path, SOCK_SEQPACKET | SOCK_CLOEXEC);
  const { below } = random;
  const receive = () => {
    const answer = sys.recvFds(socket, 65536, 250);
    for (const fd of answer?.fds ?? []) closeSync(fd);
    return answer;
  };
  /** False once the connection is over. */
  const send = async (bytes: Buffer, fds: number[]) => {
    try {
      sys.sendFds(socket, bytes, fds);
      const { data } = await waitFor(receive, { intervalMs: 0 });
      // Exits come in between: unread they would fill the socket.
      let last = data;
      for (let more = receive(); more && last.length > 0; more = receive()) last = more.data;
      return last.length > 0;
    } catch (error) {
      if (isSystemError(error, "EPIPE", "ECONNRESET")) return false;
      throw error;
    }
  };
  let count = 1;
  let isOpen = await send(samples[0] as Buffer, []);
  for (; isOpen && performance.now() < end; count++) {
    const bytes = Buffer.from(samples[below(samples.length)] as Buffer);
    for (let damage = below(4); damage > 0; damage--) bytes[below(bytes.length)] = below(256);
    const cut = below(8) === 0 ? below(bytes.length) + 1 : bytes.length;
    isOpen = await send(
      bytes.subarray(0, cut),
      Array.from({ length: below(4) }, () => none),
    );
  }
  if (isOpen) await send(encode("shutdown", {} as Fields["shutdown"]), []);
  closeSync(socket);
  return count;
}

function compiled(directory: string): string {
  const output = join(directory, "keeper-asan");
  const source = join(import.meta.dirname, "../program");
  const files = readdirSync(source).filter((name) => name.endsWith(".c"));
  const flags = ["-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror"];
  const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
  execFileSync("gcc", [...flags, ...sanitizers, "-o", output, ...files.map((name) => join(source, name))]);
  return output;
}
