import { mkdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { type RunResult, run } from "@gantry/testkit";
import { test } from "tap";
import { type Config, cannotRun, isRunc, Runtime, unlikeRunc } from "./runtime.ts";

const files: Readonly<Record<string, string>> = { pid: "pid", network: "net", ipc: "ipc", uts: "uts" };

/** Namespaces that linux.namespaces does not list are the runtime's own. */
export function inherited(program: string): void {
  const skip = cannotRun(program) ?? unlikeRunc(program);

  test("a namespace that is not listed is inherited", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    for (const [type, file] of Object.entries(files)) {
      runtime.configure("sleep 1000", (config) => without(config, type));
      const { pid } = await runtime.state(await runtime.runDetached());
      for (const name of Object.values(files)) {
        const same = readlinkSync(`/proc/${pid}/ns/${name}`) === readlinkSync(`/proc/self/ns/${name}`);
        t.equal(same, name === file, `${name} without ${type}`);
      }
    }
  });

  test("without a mount namespace the root is changed, in the runtime's own", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    onHostMounts(runtime, "readlink /proc/self/ns/mnt; ls -d /bin/busybox /work /usr/bin/env 2>/dev/null");
    const { stdout, stderr } = await shielded(runtime, `readlink /proc/self/ns/mnt; r run ${runtime.newId()}`);
    const [own, container, ...paths] = stdout.trim().split("\n");
    t.match(own, /^mnt:/, stderr);
    t.equal(container, own);
    t.same(paths, ["/bin/busybox"], "its root is the bundle's");
    for (const [field, value] of [
      ["maskedPaths", ["/proc/kcore"]],
      ["readonlyPaths", ["/proc/sys"]],
    ] as const) {
      onHostMounts(runtime, "true", (config) => {
        config.linux[field] = value;
      });
      const refused = await shielded(
        runtime,
        `r run ${runtime.newId()}; echo status $?; grep -c ${runtime.bundle} /proc/self/mountinfo`,
      );
      t.equal(refused.stdout, "status 1\n0\n", field);
      t.match(refused.stderr, /mount|MNT namespace/);
    }
  });

  test("exec enters the root of a container that shares the runtime's mounts; a failed creation detaches them", {
    skip: skip || (isRunc(program) && "runc's exec stays in the host's root, and its mounts stay"),
  }, async (t) => {
    await using runtime = new Runtime(program);
    mkdirSync(join(runtime.bundle, "rootfs/only-here"));
    onHostMounts(runtime, "sleep 1000");
    const id = runtime.newId();
    const seen = await shielded(
      runtime,
      `r run -d ${id} >out 2>&1 </dev/null; cat out; r exec ${id} sh -c 'pwd; ls -d /only-here /usr/bin/env'; r delete -f ${id}`,
    );
    t.match(seen.stdout, /^\/\n\/only-here\n$/, seen.stderr);
    onHostMounts(runtime, "true", (config) => {
      config.process.args = ["nowhere"];
    });
    const failed = await shielded(
      runtime,
      `r run ${runtime.newId()}; echo status $?; grep -c ${runtime.bundle} /proc/self/mountinfo`,
    );
    t.equal(failed.stdout, "status 1\n0\n", failed.stderr);
    onHostMounts(runtime, "true");
    const moved = await shielded(
      runtime,
      `r run --no-pivot ${runtime.newId()}; echo status $?; grep -c ${runtime.bundle} /proc/self/mountinfo`,
    );
    t.equal(moved.stdout, "status 1\n0\n");
    t.match(moved.stderr, /--no-pivot/);
    onHostMounts(runtime, "true", (config) => {
      (config.linux["namespaces"] as object[]).push({ type: "mount", path: "/proc/self/ns/mnt" });
    });
    const joined = await shielded(
      runtime,
      `r run ${runtime.newId()}; echo status $?; grep -c ${runtime.bundle} /proc/self/mountinfo`,
    );
    t.equal(joined.stdout, "status 1\n0\n");
    t.match(joined.stderr, /linux\.namespaces\[\d+\]\.path/);
  });
}

function without(config: Config, type: string): void {
  const namespaces = config.linux["namespaces"] as { type: string }[];
  config.linux["namespaces"] = namespaces.filter((entry) => entry.type !== type);
  if (type === "uts") delete config["hostname"];
}

function onHostMounts(runtime: Runtime, script: string, change: (config: Config) => void = () => undefined): void {
  runtime.configure(script, (config) => {
    without(config, "mount");
    config.linux["maskedPaths"] = [];
    config.linux["readonlyPaths"] = [];
    change(config);
  });
}

/** In a mount namespace around the runtime, which keeps this machine's out of it; `r` is the runtime. */
function shielded({ program, root, bundle }: Runtime, script: string): Promise<RunResult> {
  const define = `r() { ${program} --root ${root} "$@"; }`;
  return run("unshare", ["-m", "--propagation", "private", "sh", "-c", `${define}; ${script}`], { cwd: bundle });
}
