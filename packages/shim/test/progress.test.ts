import { closeSync, fstatSync, readFileSync, readSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Clock } from "@gantry/common/clock";
import { JsonLineEncoder } from "@gantry/json-log/line-encoder";
import { RotatedFile } from "@gantry/json-log/rotated-file";
import { nativeSys } from "@gantry/native-sys";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { FileLog } from "../src/log/file-log.ts";
import { LogProgress } from "../src/log/progress.ts";
import { Spool } from "../src/stdio/spool.ts";

const sys = nativeSys();

function openLog(path: string, progress: LogProgress, maxSize?: number): FileLog {
  const onError = (error: Error) => {
    throw error;
  };
  return new FileLog({
    file: new RotatedFile({ path, maxSize, maxFiles: 9, onError }),
    clock: new Clock(),
    encoder: (target, stream, start) => new JsonLineEncoder(target, stream, undefined, start),
    progress,
    onError,
  });
}

/** State that a killed shim leaves. */
function bytesOf(progress: LogProgress): Buffer {
  const bytes = Buffer.alloc(fstatSync(progress.fd).size);
  readSync(progress.fd, bytes, 0, bytes.length, 0);
  return bytes;
}

function copyOf(bytes: Buffer): LogProgress {
  const copy = LogProgress.create(sys);
  writeSync(copy.fd, bytes, 0, bytes.length, 0);
  return copy;
}

/** All files of a log, the oldest first. */
function contents(path: string): string {
  const files = Array.from({ length: 9 }, (_, index) => (index === 8 ? path : `${path}.${8 - index}`));
  return files
    .flatMap((file) => {
      try {
        return [readFileSync(file, "utf8")];
      } catch {
        return [];
      }
    })
    .join("");
}

test("an append that was cut anywhere is completed by the next shim, byte for byte", async (t) => {
  await using files = tempDir("progress");
  const path = join(files.path, "log");
  const progress = LogProgress.create(sys);
  const log = openLog(path, progress);
  log.write("stdout", Buffer.from("first\n"));
  await log.flush();
  const before = readFileSync(path).length;
  log.write("stdout", Buffer.from("second\nthird\nfou"));
  await log.flush();
  const whole = readFileSync(path, "utf8");
  t.same(log.written, { stdout: "first\nsecond\nthird\n".length, stderr: 0 }, "half a line is not in the log");
  const left = bytesOf(progress);
  for (let cut = before; cut <= whole.length; cut++) {
    truncateSync(path, cut);
    const next = openLog(path, copyOf(left));
    if (next.written.stdout !== log.written.stdout) t.fail(`position ${next.written.stdout}`);
    await next.resume();
    await next.close();
    if (readFileSync(path, "utf8") !== whole) t.fail(`after a cut at ${cut} of ${whole.length}`);
  }
  const next = openLog(path, copyOf(left));
  await next.resume();
  t.equal(readFileSync(path, "utf8"), whole);
  next.write("stdout", Buffer.from("fourth\n"));
  await next.flush();
  t.same(next.written.stdout, log.written.stdout + "fourth\n".length);
  await next.close();
  await log.close();
});

test("an append over several files is completed where it stopped", async (t) => {
  await using files = tempDir("progress");
  const path = join(files.path, "log");
  const lines = Array.from({ length: 12 }, (_, index) => `line ${index}\n`).join("");
  const progress = LogProgress.create(sys);
  const log = openLog(path, progress, 250);
  log.write("stdout", Buffer.from(lines));
  await log.flush();
  const whole = contents(path);
  const last = readFileSync(path);
  const left = bytesOf(progress);
  for (let cut = 0; cut <= last.length; cut++) {
    truncateSync(path, cut);
    const next = openLog(path, copyOf(left), 250);
    await next.resume();
    await next.close();
    if (contents(path) !== whole) t.fail(`after a cut at ${cut} of ${last.length}`);
  }
  t.equal(whole.split("\n").length, 13);
  await log.close();
});

test("a spool gives what an earlier reader took, then what is still in the pipe; what the log has is released", (t) => {
  const [source, far] = sys.pipe(0);
  sys.setNonBlocking(source, true);
  const spool = Spool.create(sys, false);
  const buffer = Buffer.alloc(64 * 1024);
  t.equal(spool.take(source, buffer), -1, "nothing is there yet");
  writeSync(far, "taken ");
  t.equal(spool.take(source, buffer), 6);
  writeSync(far, "left");
  const next = new Spool(sys, spool.fd, undefined, 2);
  t.equal(buffer.toString("utf8", 0, next.take(source, buffer)), "ken ");
  t.equal(buffer.toString("utf8", 0, next.take(source, buffer)), "left");
  for (let round = 0; round < 8; round++) {
    writeSync(far, Buffer.alloc(64 * 1024, 97));
    t.equal(next.take(source, buffer), 64 * 1024);
  }
  const blocks = () => Number(fstatSync(next.fd).blocks);
  const held = blocks();
  next.release(10 + 7 * 64 * 1024);
  t.ok(blocks() < held / 4, `${blocks()} blocks of ${held}`);
  closeSync(far);
  t.equal(next.take(source, buffer), 0, "the end");
  next.close();
  closeSync(source);
  t.end();
});

test("a terminal's output goes through a pipe, and what is left there comes first", (t) => {
  const { master, slave } = sys.openpty();
  sys.setNonBlocking(master, true);
  const spool = Spool.create(sys, true);
  const { relay } = spool;
  if (!relay) throw new Error("no relay");
  const buffer = Buffer.alloc(4096);
  writeSync(relay.write, "before ");
  writeSync(slave, "after");
  t.equal(buffer.toString("utf8", 0, spool.take(master, buffer)), "before ");
  t.equal(buffer.toString("utf8", 0, spool.take(master, buffer)), "after");
  t.equal(spool.take(master, buffer), -1);
  closeSync(slave);
  t.equal(spool.take(master, buffer), 0, "the other side is closed");
  spool.close();
  closeSync(master);
  t.end();
});
