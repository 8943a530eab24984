import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { cannotRun, olderRunc, Runtime, unlikeRunc } from "./runtime.ts";

const names = ["prestart", "createRuntime", "createContainer", "startContainer"] as const;

/** The environment, working directory and failures of hooks. */
export function hooks(program: string): void {
  const skip = cannotRun(program) || unlikeRunc(program);

  test("hooks: a failing one is named by kind and place, with its standard error", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    for (const name of names) {
      runtime.configure("echo never", (config) => {
        const fail = { path: "/bin/sh", args: ["sh", "-c", "echo the reason >&2; exit 7"] };
        config["hooks"] = { [name]: [{ path: "/bin/sh", args: ["sh", "-c", "echo fine"] }, fail] };
      });
      const { code, stdout, stderr } = await runtime.cli("run", runtime.newId());
      t.not(code, 0);
      t.equal(stdout, "", "neither the program nor the hooks write to the container's output");
      const kind = olderRunc(program, 1.2) ? "" : `${name} `;
      t.match(stderr, new RegExp(`error running ${kind}hook #1: .*exit status 7.*the reason`));
    }
  });

  test("hooks: without an environment the runtime's own, in the bundle", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    const file = join(runtime.directory, "seen");
    const hook = (env?: string[]) => ({
      path: "/bin/sh",
      args: ["sh", "-c", `echo "$MARK $PWD" >> ${file}`],
      ...(env && { env }),
    });
    runtime.configure("true", (config) => {
      config["hooks"] = { prestart: [hook(), hook(["MARK=own"])], createRuntime: [hook()], poststart: [hook()] };
    });
    const { stderr } = await runtime.sh(`export MARK=runtime; r run ${runtime.newId()}`);
    const { bundle } = runtime;
    t.equal(
      readFileSync(file, "utf8"),
      `runtime ${bundle}\nown ${bundle}\nruntime ${bundle}\nruntime ${bundle}\n`,
      stderr,
    );
  });

  test("hooks: createContainer runs in the root file system", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("cat /seen", (config) => {
      config["hooks"] = { createContainer: [{ path: "/bin/sh", args: ["sh", "-c", "pwd > seen"] }] };
    });
    const { stdout, stderr } = await runtime.cli("run", runtime.newId());
    t.equal(stdout, `${join(runtime.bundle, "rootfs")}\n`, stderr);
  });
}

/** Rights, processors, masks and limits of 0. */
export function settings(program: string): void {
  const skip = cannotRun(program) || unlikeRunc(program);

  test("a program is looked up and executed with the effective capabilities, for other users too", {
    skip: skip || olderRunc(program, 1.2),
  }, async (t) => {
    await using runtime = new Runtime(program);
    await runtime.sh("mkdir -m 700 rootfs/private; cp /bin/busybox rootfs/private/id; chmod 700 rootfs/private/id");
    runtime.configure("", (config) => {
      const set = ["CAP_DAC_OVERRIDE"];
      Object.assign(config.process, { args: ["id", "-u"], env: ["PATH=/private"], user: { uid: 1000, gid: 1000 } });
      config.process["capabilities"] = { bounding: set, effective: set, permitted: set };
    });
    const { stdout, stderr } = await runtime.cli("run", runtime.newId());
    t.equal(stdout, "1000\n", stderr);
  });

  test("exec --cap raises ambient capabilities where the container has inheritable ones", {
    skip: skip || olderRunc(program, 1.2),
  }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000", (config) => {
      config.process["user"] = { uid: 1000, gid: 1000 };
      config.process["capabilities"] = {
        bounding: ["CAP_KILL", "CAP_CHOWN"],
        inheritable: ["CAP_CHOWN"],
        permitted: ["CAP_KILL"],
        effective: ["CAP_KILL"],
      };
    });
    const id = await runtime.runDetached();
    const raised = await runtime.cli("exec", "--cap", "CAP_CHOWN", id, "grep", "CapAmb", "/proc/self/status");
    t.equal(raised.stdout, "CapAmb:\t0000000000000001\n", raised.stderr);
    const not = await runtime.cli("exec", "--cap", "CAP_KILL", id, "grep", "CapAmb", "/proc/self/status");
    t.match(not, { stdout: "CapAmb:\t0000000000000000\n", stderr: /can't raise ambient capability CAP_KILL/ });
  });

  test("the processors of the runtime's caller are not the container's", {
    skip: skip || olderRunc(program, 1.3),
  }, async (t) => {
    await using runtime = new Runtime(program);
    const look = "grep Cpus_allowed_list /proc/self/status";
    runtime.configure(`${look}; sleep 1000`);
    const all = (await runtime.sh(look)).stdout;
    const id = runtime.newId();
    const out = join(runtime.directory, "out");
    const bound = await runtime.sh(`exec taskset -c 0 sh -c 'r() { ${program} --root ${runtime.root} "$@"; }
      r run -d ${id} >${out} 2>&1 </dev/null; r exec ${id} ${look}'`);
    t.equal(bound.stdout, all, bound.stderr);
    t.equal(runtime.output(), all);
  });

  test("masked directories, one of them twice, are one empty file system", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    await runtime.sh("mkdir -p rootfs/one rootfs/two; touch rootfs/one/file rootfs/two/file rootfs/secret");
    runtime.configure("ls /one /two; cat /secret; touch /one/x 2>&1; stat -c %d /one /two", (config) => {
      config.linux["maskedPaths"] = ["/one", "/two", "/one", "/secret", "/secret", "/nowhere"];
    });
    const { stdout, stderr } = await runtime.cli("run", runtime.newId());
    t.match(stdout, /^\/one:\n\n\/two:\ntouch: \/one\/x: Read-only file system\n/, stderr);
    const [first, second] = stdout.trim().split("\n").slice(-2);
    if (!olderRunc(program, 1.5)) t.equal(first, second, "they share one");
  });

  test("pids.limit 0 is one process", { skip: skip || olderRunc(program, 1.5) }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("/bin/true; echo lost", (config) => {
      config.linux.resources = { pids: { limit: 0 } };
    });
    t.match(await runtime.cli("run", runtime.newId()), { stderr: /can't fork|Resource temporarily unavailable/ });
  });
}
