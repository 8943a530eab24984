import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { requires, tempDir } from "@gantry/testkit";
import { test } from "tap";
import { directoriesFor } from "../src/directories.ts";
import { unpack } from "../src/unpack.ts";

const bytes = Buffer.alloc(10_000, "the addon's bytes ");

test("the file is made once, for its user alone", async (t) => {
  await using temporary = tempDir();
  const directory = join(temporary.path, "not/there");
  const path = unpack("example", bytes, [directory]);
  t.same(readFileSync(path), bytes);
  t.equal(statSync(directory).mode & 0o7777, 0o700);
  t.equal(statSync(path).mode & 0o7777, 0o500);
  const made = statSync(path);
  t.equal(unpack("example", bytes, [directory]), path);
  t.equal(statSync(path).ino, made.ino, "found again, not written again");
  t.not(unpack("example", Buffer.from("other bytes"), [directory]), path, "another version has a file of its own");
});

test("a changed file is replaced", async (t) => {
  await using temporary = tempDir();
  const directory = join(temporary.path, "addons");
  const path = unpack("example", bytes, [directory]);
  const elsewhere = join(temporary.path, "elsewhere");
  writeFileSync(elsewhere, "another's");
  const tampered = Buffer.from(bytes);
  // Between the bytes that the name is made of.
  tampered[4321] = 0x21;
  const changes: Readonly<Record<string, () => void>> = {
    "one byte": () => overwrite(path, tampered),
    "a shorter file": () => overwrite(path, bytes.subarray(0, 9999)),
    "a file that others may write": () => chmodSync(path, 0o522),
    "a link to another file": () => link(path, elsewhere),
    "a link to the same bytes": () => {
      writeFileSync(elsewhere, bytes);
      link(path, elsewhere);
    },
    "a link to nothing": () => link(path, join(temporary.path, "nothing")),
  };
  for (const [what, change] of Object.entries(changes)) {
    change();
    t.equal(unpack("example", bytes, [directory]), path, what);
    t.ok(lstatSync(path).isFile(), what);
    t.equal(lstatSync(path).mode & 0o7777, 0o500, what);
    t.same(readFileSync(path), bytes, what);
  }
  t.same(readFileSync(elsewhere), bytes, "what a link leads to is not written to");
});

test("a directory that is not the user's own is refused", async (t) => {
  if (!requires(t, "root")) return;
  await using temporary = tempDir();
  const directory = join(temporary.path, "addons");
  const message = `${directory} must be a directory owned by user 0 with mode 0700: it holds code that is loaded`;
  const refused = (what: string) =>
    t.throws(() => unpack("example", bytes, [directory, join(temporary.path, "next")]), { message }, what);
  writeFileSync(directory, "");
  refused("a file");
  replaceBy(directory, () => symlinkSync(temporary.path, directory));
  refused("a link");
  replaceBy(directory, () => mkdirSync(directory));
  for (const mode of [0o710, 0o701, 0o750, 0o777]) {
    chmodSync(directory, mode);
    refused(`mode ${mode.toString(8)}`);
  }
  chmodSync(directory, 0o700);
  chownSync(directory, 65534, 65534);
  refused("another's");
});

test("a directory that cannot be made is passed over; without any the error names each", async (t) => {
  await using temporary = tempDir();
  const usable = join(temporary.path, "usable");
  t.equal(unpack("example", bytes, ["/proc/none/addons", usable]).startsWith(usable), true);
  const reason = "there is no directory for it (/proc/none/addons: ENOENT)";
  const message = `cannot unpack example.node: ${reason}; set XDG_RUNTIME_DIR to a directory of your own`;
  t.throws(() => unpack("example", bytes, ["/proc/none/addons"]), { message });
});

test("whose directories they are", async (t) => {
  const system = ["/run/gantry-addons", "/var/cache/gantry-addons"];
  t.same(directoriesFor({ root: true, runtime: "/run/user/0", home: "/root" }), system);
  const cache = "/home/someone/.cache/gantry-addons";
  const home = "/home/someone";
  const runtime = "/run/user/1000";
  t.same(directoriesFor({ root: false, runtime, home }), ["/run/user/1000/gantry-addons", cache]);
  for (const unusable of [undefined, "", "relative"]) {
    t.same(directoriesFor({ root: false, runtime: unusable, home }), [cache]);
  }
});

function overwrite(path: string, content: Buffer): void {
  chmodSync(path, 0o700);
  writeFileSync(path, content);
  chmodSync(path, 0o500);
}

function link(path: string, target: string): void {
  replaceBy(path, () => symlinkSync(target, path));
}

function replaceBy(path: string, make: () => void): void {
  rmSync(path, { recursive: true, force: true });
  make();
}
