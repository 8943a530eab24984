import { printable } from "@gantry/cli/printable";
import { binarySize, humanSize } from "@gantry/cli/size";
import { alignTabs } from "@gantry/cli/tabwriter";
import { ago, humanDuration } from "@gantry/common/duration";
import { test } from "tap";
import { containerList } from "../src/format/container-list.ts";
import { imageList, imageRows } from "../src/format/image-list.ts";
import { renderList } from "../src/format/list.ts";
import { formatPorts } from "../src/format/ports.ts";
import { columnStyle, ellipsis, naturalOrder } from "../src/format/text.ts";
import { rfc3339Nano } from "../src/format/time.ts";

test("durations in Docker's form", async (t) => {
  const hour = 3600;
  const day = 24 * hour;
  const cases: [number, string][] = [
    [0.5, "Less than a second"],
    [1, "1 second"],
    [59, "59 seconds"],
    [60, "About a minute"],
    [119, "About a minute"],
    [120, "2 minutes"],
    [59 * 60, "59 minutes"],
    [hour, "About an hour"],
    [1.4 * hour, "About an hour"],
    [1.5 * hour, "2 hours"],
    [47 * hour, "47 hours"],
    [2 * day, "2 days"],
    [13 * day, "13 days"],
    [14 * day, "2 weeks"],
    [59 * day, "8 weeks"],
    [60 * day, "2 months"],
    [2 * 365 * day, "2 years"],
  ];
  for (const [seconds, text] of cases) t.equal(humanDuration(seconds), text, String(seconds));
  t.equal(ago(100, 220), "2 minutes ago");
  t.equal(ago(0, 220), "N/A");
});

test("sizes as Docker writes them", async (t) => {
  t.equal(humanSize(0, 3), "0B");
  t.equal(humanSize(1_240_000, 3), "1.24MB");
  t.equal(humanSize(742_512, 3), "743kB");
  t.equal(humanSize(4_261_000_000, 3), "4.26GB");
  t.equal(humanSize(999_999, 3), "1000kB");
  t.equal(humanSize(12_345), "12.35kB"); // four digits by default
  t.equal(binarySize(512 * 2 ** 20), "512MiB");
});

test("columns as text/tabwriter aligns them", async (t) => {
  t.equal(
    alignTabs("A\tLONGER THAN TEN\tC\nx\ty\tz\n", columnStyle),
    "A         LONGER THAN TEN   C\nx         y                 z\n",
  );
  t.equal(alignTabs("名前\tb\nx\ty\n", columnStyle), "名前      b\nx         y\n");
});

test("texts", async (t) => {
  t.equal(ellipsis("/docker-entrypoint.sh nginx", 20), "/docker-entrypoint.…");
  t.equal(ellipsis("short", 20), "short");
  t.strictSame(["web10", "web2", "a"].sort(naturalOrder), ["a", "web2", "web10"]);
});

test("ports, neighbours together", async (t) => {
  const port = (PrivatePort: number, PublicPort?: number, IP = "0.0.0.0", Type = "tcp") =>
    PublicPort === undefined ? { PrivatePort, Type } : { PrivatePort, PublicPort, IP, Type };
  t.equal(formatPorts([]), "");
  t.equal(formatPorts([port(80, 8080)]), "0.0.0.0:8080->80/tcp");
  t.equal(formatPorts([port(81, 8081), port(80, 8080), port(443)]), "0.0.0.0:8080-8081->80-81/tcp, 443/tcp");
  t.equal(formatPorts([port(80), port(81), port(53, undefined, "", "udp")]), "53/udp, 80-81/tcp");
  t.equal(formatPorts([port(80, 8080), port(80, 8080, "::")]), "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");
});

const summary = {
  Id: "0123456789abcdef".repeat(4),
  Names: ["/web"],
  Image: "nginx",
  ImageID: `sha256:${"a".repeat(64)}`,
  Command: "/docker-entrypoint.sh nginx -g 'daemon off;'",
  Created: 1000,
  State: "running" as const,
  Status: "Up 2 minutes",
  Ports: [{ IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" }],
  Labels: { b: "2", a: "1" },
  Mounts: [],
  NetworkMode: "bridge",
  SizeRw: 1095,
  SizeRootFs: 187_000_000,
};
const ps = (format?: string, options = {}) =>
  renderList([summary], containerList({ truncate: true, size: false, now: 1120, ...options }), { format });

test("ps looks as docker's", async (t) => {
  t.equal(
    ps(),
    [
      "CONTAINER ID   IMAGE     COMMAND                  CREATED         STATUS         PORTS                  NAMES",
      `0123456789ab   nginx     "/docker-entrypoint.…"   2 minutes ago   Up 2 minutes   0.0.0.0:8080->80/tcp   web\n`,
    ].join("\n"),
  );
  t.equal(
    renderList([], containerList({ truncate: true, size: false, now: 0 }), {}),
    "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n",
  );
  t.match(ps(undefined, { size: true }), /1\.09kB \(virtual 187MB\)\n$/);
});

test("ps --format", async (t) => {
  t.equal(ps("{{.ID}}: {{.Names}}"), "0123456789ab: web\n");
  t.equal(ps("table {{.Names}}\\t{{.Status}}"), "NAMES     STATUS\nweb       Up 2 minutes\n");
  t.equal(ps('table {{.Names}}\\t{{.Label "a"}}'), "NAMES     a\nweb       1\n");
  t.equal(ps("{{.Labels}} {{upper .State}}"), "a=1,b=2 RUNNING\n");
  const json = JSON.parse(ps("json"));
  t.match(json, { ID: "0123456789ab", Names: "web", State: "running", RunningFor: "2 minutes ago" });
  t.strictSame(Object.keys(json), Object.keys(json).sort());
  t.equal(ps("{{json .}}"), ps("json"));
  t.throws(() => ps("{{.Nope}}"), {
    message: `template parsing error: template: :1:2: executing "" at <.Nope>: can't evaluate field Nope in type *formatter.ContainerContext`,
  });
});

test("images: a line for each name", async (t) => {
  const image = (rest: object) => ({
    Id: `sha256:${"b".repeat(64)}`,
    RepoTags: [] as string[],
    RepoDigests: [] as string[],
    Created: 1000,
    Size: 4_261_502,
    Labels: {},
    Containers: -1,
    ...rest,
  });
  const rows = imageRows(
    [
      image({ RepoTags: ["busybox:latest", "localhost:5000/busybox:1"], RepoDigests: ["busybox@sha256:12"] }),
      image({ RepoDigests: ["alpine@sha256:34"] }),
      image({}),
    ],
    false,
  );
  t.equal(
    renderList(rows, imageList({ truncate: true, digests: false, now: 1000 + 3 * 86400 }), {}),
    [
      "REPOSITORY               TAG       IMAGE ID       CREATED      SIZE",
      "busybox                  latest    bbbbbbbbbbbb   3 days ago   4.26MB",
      "localhost:5000/busybox   1         bbbbbbbbbbbb   3 days ago   4.26MB",
      "alpine                   <none>    bbbbbbbbbbbb   3 days ago   4.26MB",
      "<none>                   <none>    bbbbbbbbbbbb   3 days ago   4.26MB\n",
    ].join("\n"),
  );
});

test("nanoseconds keep their digits", async (t) => {
  t.match(rfc3339Nano("1704164645123456789"), /^2024-01-0\dT\d\d:\d\d:\d\d\.123456789(Z|[+-]\d\d:\d\d)$/);
});

test("control characters in an error from an image or a registry do not reach the terminal", async (t) => {
  t.equal(printable("no layer \u001b]0;title\u0007 in\tx\nnext\u0000"), "no layer \\x1b]0;title\\x07 in\tx\nnext\\x00");
});
