import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { cannotRun, Runtime, unlikeRunc } from "./runtime.ts";

/** The environment of the container's processes. */
export function environment(program: string): void {
  const skip = cannotRun(program) || unlikeRunc(program);
  const sorted = (text: string) => text.trim().split("\n").sort();

  test("environment: one entry per name, the last one; HOME by the user unless it is given", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    const cases: readonly (readonly [env: string[], uid: number, expected: string[]])[] = [
      [["A=1", "B=2", "A=3", "A="], 0, ["A=", "B=2", "HOME=/root"]],
      [["HOME=/first", "HOME=/last"], 0, ["HOME=/last"]],
      [["HOME=/first", "HOME="], 1000, ["HOME=/tmp"]],
      [["HOME="], 4711, ["HOME=/"]],
      [["AB=1", "A=2=3", "AB=4"], 0, ["A=2=3", "AB=4", "HOME=/root"]],
    ];
    for (const [env, uid, expected] of cases) {
      runtime.configure("", (config) => {
        Object.assign(config.process, { args: ["/bin/env"], user: { uid, gid: 0 }, env: ["PATH=/bin", ...env] });
      });
      const { stdout, stderr } = await runtime.cli("run", runtime.newId());
      t.same(sorted(stdout), [...expected, "PATH=/bin"].sort(), `${env} ${stderr}`);
    }
  });

  test("environment: the program is looked up in the PATH that it sees", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("", (config) => {
      Object.assign(config.process, { args: ["env"], env: ["PATH=/nowhere", "PATH=/bin"] });
    });
    t.match((await runtime.cli("run", runtime.newId())).stdout, /^PATH=\/bin$/m);
    runtime.configure("", (config) => {
      Object.assign(config.process, { args: ["env"], env: ["PATH=/bin", "PATH=/nowhere"] });
    });
    t.match(await runtime.cli("run", runtime.newId()), { stdout: "", stderr: /executable file not found in \$PATH/ });
  });

  test("environment: exec adds to the container's, a process file has its own", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000", (config) => {
      config.process["env"] = ["PATH=/bin", "A=container", "B=container", "HOME=/tmp"];
    });
    const id = await runtime.runDetached();
    const added = await runtime.cli("exec", "-e", "A=exec", "-e", "A=last", "-e", "HOME=", id, "env");
    t.same(sorted(added.stdout), ["A=last", "B=container", "HOME=/root", "PATH=/bin"], added.stderr);
    const file = join(runtime.directory, "process.json");
    writeFileSync(
      file,
      JSON.stringify({ cwd: "/", args: ["/bin/env"], env: ["C=1", "C=2"], user: { uid: 0, gid: 0 } }),
    );
    t.same(sorted((await runtime.cli("exec", "-p", file, id)).stdout), ["C=2", "HOME=/root"]);
  });
}
