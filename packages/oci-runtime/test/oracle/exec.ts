import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { cannotRun, Runtime, unlikeRunc } from "./runtime.ts";

/** Further processes in a container. */
export function exec(program: string): void {
  const skip = cannotRun(program) ?? false;

  test("exec: status, streams, user, groups, directory, environment, capabilities", {
    skip: skip || unlikeRunc(program),
  }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000");
    const id = await runtime.runDetached();
    t.match(await runtime.cli("exec", id, "sh", "-c", "echo out; echo err >&2; exit 7"), {
      code: 7,
      stdout: "out\n",
      stderr: "err\n",
    });
    t.equal((await runtime.cli("exec", id, "sh", "-c", "kill -9 $$")).code, 137);
    const stdin = await runtime.sh(`echo in | r exec ${id} cat`);
    t.equal(stdin.stdout, "in\n");
    const who = await runtime.cli("exec", "--user", "1000:7", "-g", "8", "-g", "9", id, "id");
    t.match(who.stdout, /uid=1000(\(user\))? gid=7 groups=(7,)?8,9/);
    const where = await runtime.cli("exec", "--cwd", "/tmp", "-e", "A=b c", id, "sh", "-c", 'echo "$PWD $A"');
    t.equal(where.stdout, "/tmp b c\n");
    const rights = await runtime.cli("exec", "--cap", "CAP_SYS_TIME", "--no-new-privs", id, "cat", "/proc/self/status");
    t.match(rights.stdout, /^NoNewPrivs:\t1$/m);
    const mask = BigInt(`0x${/^CapEff:\t(\w+)$/m.exec(rights.stdout)?.[1]}`);
    t.ok(mask & (1n << 25n), "CAP_SYS_TIME is there");
    t.equal(
      (await runtime.cli("exec", id, "echo", "--user")).stdout,
      "--user\n",
      "what follows belongs to the program",
    );
  });

  test("exec: by a process file, detached with a pid file, in all namespaces of the container", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000");
    const id = await runtime.runDetached();
    const file = join(runtime.directory, "process.json");
    const document = { cwd: "/tmp", args: ["sleep", "1002"], env: ["PATH=/bin", "X=y"], user: { uid: 5, gid: 6 } };
    writeFileSync(file, JSON.stringify(document));
    const pidFile = join(runtime.directory, "exec.pid");
    const made = await runtime.sh(`r exec -d --process ${file} --pid-file ${pidFile} ${id} >/dev/null 2>&1 </dev/null`);
    t.equal(made.code, 0);
    const pid = readFileSync(pidFile, "utf8");
    await waitFor(() => readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith("sleep\0"));
    t.match(readFileSync(`/proc/${pid}/status`, "utf8"), /^Uid:\t5\t5[\s\S]*^Gid:\t6\t6/m);
    t.equal(readlinkSync(`/proc/${pid}/cwd`), join("/", "tmp"));
    t.match(readFileSync(`/proc/${pid}/environ`, "latin1"), /X=y/);
    const first = (await runtime.state(id)).pid;
    for (const name of ["mnt", "pid", "net", "ipc", "uts"])
      t.equal(readlinkSync(`/proc/${pid}/ns/${name}`), readlinkSync(`/proc/${first}/ns/${name}`), name);
    t.equal(readFileSync(`/proc/${pid}/cgroup`, "utf8"), readFileSync(`/proc/${first}/cgroup`, "utf8"));
  });

  test("exec: failures give a reason and a non-zero status", { skip: skip || unlikeRunc(program) }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000");
    const id = await runtime.runDetached();
    const refused: readonly (readonly [string[], RegExp])[] = [
      [[id, "nowhere"], /nowhere.*executable file.*not found/],
      [[id, "/etc/passwd"], /ermission denied/],
      [["--cwd", "/nowhere", id, "true"], /nowhere|chdir|cwd/],
      [["--user", "x", id, "true"], /x|user/],
      [["--process", "/nowhere", id], /nowhere/],
      [["--cgroup", "nowhere/at/all", id, "true"], /nowhere|cgroup/],
    ];
    for (const [args, message] of refused) {
      const { code, stderr } = await runtime.cli("exec", ...args);
      t.equal(code, 255, args.join(" "));
      t.match(stderr, message);
    }
    t.equal(await runtime.status(id), "running");
  });

  test("exec: descriptors that are kept, and a cgroup below", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000");
    const id = await runtime.runDetached();
    const file = join(runtime.directory, "kept");
    const script = `r exec --preserve-fds 2 ${id} sh -c 'echo three >&3; echo four >&4; ls /proc/self/fd' 3>${file}3 4>${file}4`;
    const { stdout } = await runtime.sh(script);
    t.equal(readFileSync(`${file}3`, "utf8") + readFileSync(`${file}4`, "utf8"), "three\nfour\n");
    t.equal(stdout.trim().split("\n").length, 6, "and no other: 0 to 4 and the directory itself");
    const without = await runtime.sh(`r exec ${id} ls /proc/self/fd 7<${file}3`);
    t.equal(without.stdout.trim().split("\n").length, 4);
  });
}
