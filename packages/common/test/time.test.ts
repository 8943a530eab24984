import { test } from "tap";
import { Clock } from "../src/clock.ts";
import { ago, humanDuration } from "../src/duration.ts";
import {
  formatTimestamp,
  formatUnixTime,
  parseTimestamp,
  parseUnixTime,
  unixSeconds,
  zeroTimestamp,
} from "../src/timestamp.ts";

test("a clock gives nanoseconds of the present that never go backwards", async (t) => {
  const clock = new Clock();
  const texts = Array.from({ length: 1000 }, () => clock.now());
  t.strictSame([...texts].sort(), texts);
  t.match(texts[0], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  const distanceMs = Math.abs(Number(clock.nowNs() / 1_000_000n) - Date.now());
  t.ok(distanceMs < 50, `${distanceMs} ms from the wall clock`);
});

test("timestamps keep their nanoseconds both ways", async (t) => {
  for (const text of [
    "2026-01-02T03:04:05.000000001Z",
    "1969-12-31T23:59:59.999999999Z",
    "1970-01-01T00:00:00.000000000Z",
  ]) {
    t.equal(formatTimestamp(parseTimestamp(text) ?? 0n), text);
  }
  t.equal(parseTimestamp("2026-01-02T03:04:05+01:00"), parseTimestamp("2026-01-02T02:04:05Z"));
  t.equal(parseTimestamp("2026-01-02T03:04:05.5Z"), 1767323045_500_000_000n);
  for (const text of ["", "yesterday", "2026-01-02", "2026-13-02T03:04:05Z", "2026-01-02T03:04:05"]) {
    t.equal(parseTimestamp(text), undefined, text);
  }
  t.equal(unixSeconds("1970-01-01T00:00:07Z"), 7);
  t.equal(unixSeconds("no time"), 0);
  t.equal(parseTimestamp(zeroTimestamp), -62_135_596_800_000_000_000n);
});

test("Unix times keep their nanoseconds both ways", async (t) => {
  for (const [text, ns] of [
    ["1767323045.000000001", 1767323045_000_000_001n],
    ["0.000000000", 0n],
    ["-0.500000000", -500_000_000n],
  ] as const) {
    t.equal(formatUnixTime(ns), text);
    t.equal(parseUnixTime(text), ns);
  }
  t.equal(parseUnixTime("1767323045"), 1767323045_000_000_000n);
  t.equal(parseUnixTime("1767323045.5"), 1767323045_500_000_000n);
  for (const text of ["", "1e9", "1.", ".5", "1.0000000001", "+1", "now"])
    t.equal(parseUnixTime(text), undefined, text);
});

test("durations in Docker's format", async (t) => {
  const hour = 3600;
  const expected: readonly [number, string][] = [
    [0.9, "Less than a second"],
    [1, "1 second"],
    [59, "59 seconds"],
    [60, "About a minute"],
    [120, "2 minutes"],
    [46 * 60, "46 minutes"],
    [hour, "About an hour"],
    [47 * hour, "47 hours"],
    [48 * hour, "2 days"],
    [14 * 24 * hour, "2 weeks"],
    [60 * 24 * hour, "2 months"],
    [2 * 365 * 24 * hour, "2 years"],
  ];
  for (const [seconds, text] of expected) t.equal(humanDuration(seconds), text, `${seconds} s`);
  t.equal(ago(0, 100), "N/A");
  t.equal(ago(95, 100), "5 seconds ago");
});
