import { existsSync } from "node:fs";
import { test } from "tap";
import { containerResources } from "../src/cgroup/resources.ts";
import { annotationProperties } from "../src/cgroup/systemd/annotations.ts";
import { slicePath, unitPlace } from "../src/cgroup/systemd/names.ts";
import { deviceNames, deviceProperties, limitProperties } from "../src/cgroup/systemd/properties.ts";
import { Box, cannotRun } from "./box.ts";

const skip = cannotRun() ?? false;

test("cgroupsPath names a scope in a slice", async (t) => {
  t.same(unitPlace("machine-a.slice:cri:x1", "id", false), { slice: "machine-a.slice", unit: "cri-x1.scope" });
  t.same(unitPlace("::x1", "id", false), { slice: "system.slice", unit: "x1.scope" });
  t.same(unitPlace(undefined, "box", true), { slice: "user.slice", unit: "oci-runtime-box.scope" });
  for (const bad of ["/box", "a:b", "system.slice:x:", "notaslice:x:y", "a--b.slice:x:y", "system.slice:x:y/z"])
    t.throws(() => unitPlace(bad, "id", false), { message: /^linux\.cgroupsPath/ }, bad);
  t.equal(slicePath("a-b-c.slice"), "/a.slice/a-b.slice/a-b-c.slice");
  t.equal(slicePath("-.slice"), "/");
});

test("limits and device rules become systemd's properties", async (t) => {
  const files = (limits: Record<string, string>) => Object.entries(limits).map(([file, value]) => ({ file, value }));
  t.same(
    limitProperties(files({ "memory.max": "max", "cpu.max": "25000 100000", "cpuset.cpus": "0-2,9", x: "1" }), 252),
    [
      ["MemoryMax", "t", 2n ** 64n - 1n],
      ["CPUQuotaPerSecUSec", "t", 250_000n],
      ["CPUQuotaPeriodUSec", "t", 100_000n],
      ["AllowedCPUs", "ay", Buffer.from([0b111, 0b10])],
    ],
  );
  t.same(limitProperties(files({ "cpu.max": "333 100000", "cpuset.cpus": "0" }), 240), [
    ["CPUQuotaPerSecUSec", "t", 10_000n],
  ]);
  const names = deviceNames("Character devices:\n  1 mem\n136 pts\n\nBlock devices:\n  8 sd\n");
  const { devices = [] } = containerResources({ devices: [{ allow: false, access: "rwm" }] });
  const [policy, allowed] = deviceProperties(devices, names) ?? [];
  t.same(policy, ["DevicePolicy", "s", "strict"]);
  t.match(allowed?.[2], [
    ["char-*", "m"],
    ["block-*", "m"],
    ["/dev/char/1:3", "rwm"],
  ]);
  t.match(JSON.stringify(allowed), '["char-pts","rwm"]');
  t.equal(deviceProperties([...devices, { allow: false, type: "c", major: 1, minor: 3 }], names), undefined);
});

test("annotations set properties of the unit", async (t) => {
  const key = (name: string) => `org.systemd.property.${name}`;
  t.same(
    annotationProperties({ [key("TimeoutStopSec")]: "uint64 5", [key("CollectMode")]: "'inactive'", other: "x" }),
    [
      ["TimeoutStopUSec", "t", 5_000_000n],
      ["CollectMode", "s", "inactive"],
    ],
  );
  t.same(annotationProperties({ [key("Wants")]: "['a.service', 'b.service']" }), [
    ["Wants", "as", ["a.service", "b.service"]],
  ]);
  t.throws(() => annotationProperties({ [key("After")]: "oops" }), { message: /annotations\["org.*After"\] must/ });
});

const running = existsSync("/run/systemd/system");

test("without systemd the option says so and nothing is left", {
  skip: skip || (running && "systemd runs here"),
}, async (t) => {
  await using box = new Box();
  box.configure("true");
  const { status, stderr } = box.cli(["--systemd-cgroup", "run", box.newId()]);
  t.equal(status, 1);
  t.match(stderr, /--systemd-cgroup: systemd does not run here/);
  t.same(box.store.list(), []);
});
