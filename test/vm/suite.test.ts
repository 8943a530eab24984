import { test } from "tap";
import { cannotBoot, testInGuest } from "./guest.ts";

/** A guest that is short of processor time is slow, not broken. */
const limitSeconds = 1200;

/** Files that `cgroup2.test.ts` and `runtimes.test.ts` do not run in the guest; the command line is in the latter's oracle suite. */
const files = [
  ...["container", "limits", "undo", "escapes", "escapes-shared", "descriptors", "rootless", "worker"],
  ...["net-devices", "scheduling", "seccomp-listener", "labels", "notify"],
].map((name) => ({ name }));

test("the runtime's other tests on pure cgroup v2, in a virtual machine", { skip: cannotBoot }, async (t) => {
  await testInGuest(t, files, { systemd: false, limitSeconds });
});
