import { test } from "tap";
import { cannotBoot, testInGuest } from "./guest.ts";

/** A guest that is short of processor time is slow, not broken. */
const limitSeconds = 900;

const files = [
  { name: "checkpoint" },
  { name: "pages" },
  { name: "oracle" },
  { name: "oracle", environment: "RUNTIME=/usr/bin/crun" },
];

test("checkpoint and restore, and the oracle suite for us and for crun, in a virtual machine", {
  skip: cannotBoot,
}, async (t) => {
  await testInGuest(t, files, { systemd: false, limitSeconds });
});
