import { test } from "tap";
import { cannotBoot, testInGuest } from "./guest.ts";

/** Files for which the version of cgroups matters: in the guest every process takes several times as long. */
const files = [{ name: "systemd" }, { name: "cgroup2" }];

/** A guest that is short of processor time is slow, not broken. */
const limitSeconds = 900;

test("the runtime on pure cgroup v2 under systemd, in a virtual machine", { skip: cannotBoot }, async (t) => {
  await testInGuest(t, files, { systemd: true, limitSeconds });
});
