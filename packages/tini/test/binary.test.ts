import { join } from "node:path";
import { distBin, requires, run } from "@gantry/testkit";
import { test } from "tap";
import { runPlain } from "./support.ts";

const binary = join(distBin, "tini");

test("the standalone binary is process 1 of a namespace and answers as the static program", async (t) => {
  if (!requires(t, "root", "binary:tini")) return;
  t.same(await run(binary, ["--version"]), await runPlain(["--version"]));
  const script = "readlink /proc/1/exe; (sh -c 'exit 0' &); exit 23";
  const result = await run("unshare", ["-p", "-f", "--mount-proc", binary, "--", "sh", "-c", script]);
  t.same(result, { code: 23, stdout: "/memfd:tini (deleted)\n", stderr: "" });
});
