import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { run, start, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { inheritedDescriptors } from "../src/descriptors.ts";
import { runPlain, tini } from "./support.ts";

const main = join(import.meta.dirname, "../src/main.ts");
const runMain = (args: readonly string[]) => run(process.execPath, [main, ...args]);

test("the binary becomes the static program: same process id, nothing of Node left", async (t) => {
  await using process_ = start(process.execPath, [main, "-s", "--", "sh", "-c", "echo ready; read x; exit 11"]);
  await waitFor(() => process_.stdout() === "ready\n");
  t.match(readlinkSync(`/proc/${process_.pid}/exe`), "memfd:tini");
  process_.child.stdin?.end("\n");
  t.equal((await process_.ended).code, 11);
  t.equal(process_.stderr(), "", "no warning of Node's");
});

test("it answers as the static program does", async (t) => {
  t.same(await runMain(["--version"]), await runPlain(["--version"]));
  t.same(await runMain(["-l"]), await runPlain(["-l"]));
  t.match(await runMain(["-x"]), { code: 1, stderr: /Usage: / });
  t.match(await runMain(["-s", "--", "no-such-program"]), { code: 127 });
});

test("the program gets clean signals and its parent's descriptors", async (t) => {
  const show = "grep -E 'Sig(Blk|Ign)' /proc/self/status; cat <&7; readlink /proc/self/fd/3";
  const become = (command: string) => run("sh", ["-c", `${command} -s -- sh -c "${show}" 7<<X\nseven\nX`]);
  const [ours, direct] = [await become(`${process.execPath} ${main}`), await become(tini)];
  t.match(direct.stdout, "seven");
  t.same(ours, direct);
});

test("descriptors that Node did not open are kept", (t) => {
  const own = [
    [4, "anon_inode:[eventpoll]"],
    [5, "anon_inode:[io_uring]"],
    [6, "pipe:[10]"],
    [7, "pipe:[10]"],
    [9, "anon_inode:[eventfd]"],
  ] as const;
  const given = [
    [0, "/dev/null"],
    [3, "pipe:[77]"],
    [8, "socket:[12]"],
    [12, "/etc/passwd"],
    [13, "pipe:[78]"],
  ] as const;
  t.same(inheritedDescriptors(new Map([...own, ...given])), [3, 8, 12, 13]);
  t.same(inheritedDescriptors(new Map(own)), []);
  t.same(
    inheritedDescriptors(
      new Map([
        [3, "anon_inode:[pidfd]"],
        [5, "anon_inode:[eventpoll]"],
      ]),
    ),
    [3],
  );
  t.end();
});
