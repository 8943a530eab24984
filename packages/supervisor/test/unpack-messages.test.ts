import { test } from "tap";
import { decodeAnswer, decodeTarget, encodeAnswer, encodeTarget } from "../src/layers/unpack-messages.ts";

const digest = `sha256:${"a".repeat(64)}`;

test("the messages of the process that unpacks come back as they were, and others are refused", async (t) => {
  const target = { directory: "/d", lowers: ["/l"], whiteouts: "overlay", digest } as const;
  t.same(decodeTarget(encodeTarget(target)), target);
  t.same(decodeTarget('{"directory":"/d","lowers":[],"whiteouts":"remove"}'), {
    ...{ directory: "/d", lowers: [], whiteouts: "remove" },
  });
  t.throws(() => decodeTarget('{"version":2,"directory":"/d","lowers":[],"whiteouts":"remove"}'), {
    message: "the layer's target: version: must be 1: a newer program wrote it",
  });
  t.throws(() => decodeTarget('{"directory":"d","lowers":[],"whiteouts":"remove"}'), { message: /directory: must be/ });
  const applied = {
    diffId: digest,
    size: 5,
    inodes: 1,
    notes: ['layer entry "f": attribute user.a was left out: EPERM'],
  };
  t.match(decodeAnswer(encodeAnswer({ applied })), { applied });
  const failed = { message: "no space", code: "ENOSPC", syscall: "write" };
  t.match(decodeAnswer(encodeAnswer({ failed })), { failed });
  t.throws(() => decodeAnswer(""), { message: /is not JSON/ });
  t.throws(() => decodeAnswer("{}"), { message: /the answer of the process that unpacks/ });
});
