import { test } from "tap";
import { cannotBoot, loadModules, outcomes, report, runInGuest, sections } from "./guest.ts";

/** What is run in the guest, where every process takes several times as long: what the version of cgroups matters to. */
const files = ["systemd", "cgroup2"].map((name) => `packages/oci-runtime/test/${name}.test.ts`);

/** A guest that is short of processor time is slow, not broken. */
const limitSeconds = 400;

test("the runtime on pure cgroup v2 under systemd, in a virtual machine", { skip: cannotBoot }, async (t) => {
  t.setTimeout((limitSeconds + 240) * 1000);
  const script = files.map((file) => `echo "#file ${file}"; node --disable-warning=ExperimentalWarning ${file} 2>&1`);
  const output = await runInGuest(
    ["sh", "-c", `${loadModules}; export TAP_TIMEOUT=${limitSeconds}; ${script.join("; ")}`],
    {
      systemd: true,
      limitSeconds,
    },
  );
  for (const [name, text] of sections(output.stdout)) {
    await t.test(name, async (t) => report(t, outcomes(text), text));
  }
  t.equal(sections(output.stdout).length, files.length, `every file was run\n${output.stderr}`);
});
