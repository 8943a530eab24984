import { test } from "tap";
import { cannotBoot, loadModules, outcomes, report, runInGuest, sections } from "./guest.ts";

/** A guest that is short of processor time is slow, not broken. */
const limitSeconds = 420;

/** Each file with the environment that it is run in. */
const runs = [
  ["checkpoint", ""],
  ["pages", ""],
  ["oracle", ""],
  ["oracle", "RUNTIME=/usr/bin/crun"],
] as const;

test("checkpoint and restore, and the oracle suite for us and for crun, in a virtual machine", {
  skip: cannotBoot,
}, async (t) => {
  t.setTimeout((limitSeconds + 60) * 1000);
  const script = runs.map(([name, environment]) => {
    const file = `packages/oci-runtime/test/${name}.test.ts`;
    return `echo "#file ${name} ${environment}"; ${environment} node --disable-warning=ExperimentalWarning ${file} 2>&1`;
  });
  const command = `${loadModules}; ip link set lo up; export TAP_TIMEOUT=${limitSeconds}; ${script.join("; ")}`;
  const output = await runInGuest(["sh", "-c", command], { systemd: false, limitSeconds });
  for (const [name, text] of sections(output.stdout)) {
    await t.test(name, async (t) => report(t, outcomes(text), text));
  }
  t.equal(sections(output.stdout).length, runs.length, `every file was run\n${output.stderr}`);
});
