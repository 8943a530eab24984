import { readSync, writeSync } from "node:fs";
import { test } from "tap";
import { Fd, isSystemError } from "../src/index.ts";
import { native, output, thrownBy } from "./support.ts";

test("a terminal has the size it was given, and goes raw and back", async (t) => {
  const pair = native.openpty();
  using master = new Fd(pair.master);
  using slave = new Fd(pair.slave);
  t.match(pair.path, /^\/dev\/pts\/\d+$/);
  native.setWinsize(master.number, 132, 43);
  t.same(native.getWinsize(slave.number), { columns: 132, rows: 43 });
  const settings = () => output("/bin/stty", "-a", "-F", pair.path);
  t.match(settings(), /rows 43; columns 132/);
  const former = native.makeRaw(slave.number);
  t.match(settings(), /-icanon/);
  t.match(settings(), /-opost/);
  native.setTermios(slave.number, former);
  t.match(settings(), / icanon/);
  native.makeRaw(slave.number, true);
  t.match(settings(), /[^-]opost .* onlcr/);
});

test("input at the master is read at the slave", async (t) => {
  const pair = native.openpty();
  using master = new Fd(pair.master);
  using slave = new Fd(pair.slave);
  native.makeRaw(slave.number);
  writeSync(master.number, "typed");
  const buffer = Buffer.alloc(16);
  t.equal(buffer.toString("utf8", 0, readSync(slave.number, buffer)), "typed");
});

test("a descriptor that is no terminal is reported", async (t) => {
  const [read, write] = native.pipe(0);
  using _read = new Fd(read);
  using _write = new Fd(write);
  t.ok(
    isSystemError(
      thrownBy(() => native.getWinsize(read)),
      "ENOTTY",
    ),
  );
  t.match(
    thrownBy(() => native.setTermios(read, Buffer.alloc(3))),
    /settings that makeRaw returned/,
  );
});
