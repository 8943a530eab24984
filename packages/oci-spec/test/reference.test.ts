import { test } from "tap";
import { familiarize, normalizeReference, parseReference } from "../src/reference.ts";

const sha = `sha256:${"a".repeat(64)}`;

test("short names become full ones and back", async (t) => {
  const pairs: [short: string, full: string, familiar?: string][] = [
    ["busybox", "docker.io/library/busybox:latest", "busybox:latest"],
    ["busybox:1.36", "docker.io/library/busybox:1.36"],
    ["team/app", "docker.io/team/app:latest", "team/app:latest"],
    ["docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest"],
    ["index.docker.io/library/busybox", "docker.io/library/busybox:latest", "busybox:latest"],
    ["localhost/app", "localhost/app:latest", "localhost/app:latest"],
    ["localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app:latest"],
    ["127.0.0.1:5000/a/b:x", "127.0.0.1:5000/a/b:x"],
    ["[::1]:5000/app:1", "[::1]:5000/app:1"],
    ["ghcr.io/o/a__b.c-d:v1.0", "ghcr.io/o/a__b.c-d:v1.0"],
    [`busybox@${sha}`, `docker.io/library/busybox@${sha}`],
    [`busybox:1@${sha}`, `docker.io/library/busybox:1@${sha}`],
    ["HOST/app", "HOST/app:latest", "HOST/app:latest"],
  ];
  for (const [short, full, familiar] of pairs) {
    t.equal(normalizeReference(short), full);
    t.equal(familiarize(full), familiar ?? short);
  }
  t.equal(familiarize("docker.io/library/a/b:1"), "library/a/b:1", "library/a/b is not a/b");
});

test("a text that names no image is refused with a reason", async (t) => {
  const wrong: [text: string, message: RegExp][] = [
    ["", /invalid reference format/],
    ["Busybox", /repository name \(library\/Busybox\) must be lowercase/],
    ["busybox:", /the tag is empty/],
    ["busybox:-x", /tag "-x"/],
    [`busybox:${"x".repeat(129)}`, /tag/],
    ["busybox@sha256:12", /"sha256:12" is not a digest/],
    ["a//b", /invalid reference format/],
    ["-a", /invalid reference format/],
    ["a b", /invalid reference format/],
    ["../x", /invalid reference format/],
    ["exa_mple.com/x", /is not a registry's name/],
    ["host:port/x", /is not a registry's name/],
    ["a".repeat(64), /64-byte hexadecimal/],
    ["x".repeat(256), /255 characters/],
  ];
  for (const [text, message] of wrong) t.throws(() => parseReference(text), { message }, text || "empty");
});
