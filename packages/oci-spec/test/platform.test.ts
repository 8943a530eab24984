import { test } from "tap";
import { formatPlatform, matchesPlatform, parsePlatform, selectPlatform } from "../src/platform.ts";

test("platforms are read in the forms that people write", async (t) => {
  t.equal(formatPlatform(parsePlatform("linux/amd64")), "linux/amd64");
  t.equal(formatPlatform(parsePlatform("Linux/x86_64")), "linux/amd64");
  t.equal(formatPlatform(parsePlatform("linux/arm64/v8")), "linux/arm64");
  t.equal(formatPlatform(parsePlatform("linux/arm")), "linux/arm/v7");
  t.equal(formatPlatform(parsePlatform("linux/arm/6")), "linux/arm/v6");
  t.equal(formatPlatform(parsePlatform("aarch64")), "linux/arm64");
  for (const text of ["", "a/b/c/d", "linux/", "linux/a b", "toaster"]) {
    t.throws(() => parsePlatform(text), { message: /invalid platform/ }, text);
  }
});

test("the best candidate that runs is taken", async (t) => {
  const offer = (...names: string[]) => names.map((name) => ({ name, platform: parsePlatform(name) }));
  const pick = (wanted: string, ...names: string[]) => selectPlatform(offer(...names), parsePlatform(wanted))?.name;
  t.equal(pick("linux/arm/v7", "linux/arm/v5", "linux/arm/v6", "linux/arm64"), "linux/arm/v6");
  t.equal(pick("linux/arm64", "linux/arm/v7", "linux/arm64/v8"), "linux/arm64/v8");
  t.equal(pick("linux/arm64", "linux/amd64", "linux/arm/v7"), "linux/arm/v7");
  t.equal(pick("linux/amd64", "linux/386", "linux/amd64"), "linux/amd64");
  t.equal(pick("linux/amd64/v3", "linux/amd64", "linux/amd64/v2", "linux/amd64/v4"), "linux/amd64/v2");
  t.equal(pick("linux/arm/v6", "linux/arm/v7"), undefined);
  t.equal(pick("linux/amd64", "windows/amd64"), undefined);
  t.notOk(matchesPlatform(parsePlatform("linux/s390x"), parsePlatform("linux/ppc64le")));
});
