import { test } from "tap";
import { cannotBoot, loadModules, outcomes, report, runInGuest, sections } from "./guest.ts";

/** A guest that is short of processor time is slow, not broken. */
const limitSeconds = 800;

/** What `cgroup2.test.ts` and `runtimes.test.ts` do not run there; the command line is in the latter's oracle suite. */
const files = [
  ...["container", "limits", "undo", "escapes", "escapes-shared", "descriptors", "rootless", "worker"],
  ...["net-devices", "scheduling", "seccomp-listener", "labels", "notify"],
];

test("the runtime's other tests on pure cgroup v2, in a virtual machine", { skip: cannotBoot }, async (t) => {
  t.setTimeout((limitSeconds + 60) * 1000);
  const script = files.map((name) => {
    const file = `packages/oci-runtime/test/${name}.test.ts`;
    return `echo "#file ${name}"; node --disable-warning=ExperimentalWarning ${file} 2>&1`;
  });
  const command = `${loadModules}; export TAP_TIMEOUT=${limitSeconds}; ${script.join("; ")}`;
  const output = await runInGuest(["sh", "-c", command], { systemd: false, limitSeconds });
  for (const [name, text] of sections(output.stdout)) {
    await t.test(name, async (t) => report(t, outcomes(text), text));
  }
  t.equal(sections(output.stdout).length, files.length, `every file was run\n${output.stderr}`);
});
