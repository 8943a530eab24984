import { splitCsv } from "@gantry/cli/csv";
import { DetachFilter, parseDetachKeys } from "@gantry/cli/detach-keys";
import { formatTimestamp, formatUnixTime } from "@gantry/common/timestamp";
import { ulimitNames } from "@gantry/oci-spec/names";
import { test } from "tap";
import { parseEnv, parseKeyValueFile } from "../src/parse/env.ts";
import { parseFilters } from "../src/parse/filters.ts";
import { parseDevice, parseRestartPolicy, parseUlimit } from "../src/parse/limits.ts";
import { parseMount } from "../src/parse/mount.ts";
import { parseExtraHost, parseNetwork } from "../src/parse/network.ts";
import { parsePorts } from "../src/parse/ports.ts";
import { parseBytes, parseBytesOrUnlimited, parseNanoCpus } from "../src/parse/size.ts";
import { parseDuration, parseMoment } from "../src/parse/time.ts";
import { parseTmpfs, parseVolumes } from "../src/parse/volumes.ts";

test("sizes", async (t) => {
  const cases: [string, number][] = [
    ["512m", 512 * 2 ** 20],
    ["1g", 2 ** 30],
    ["1.5G", 1.5 * 2 ** 30],
    ["64kib", 65536],
    ["100b", 100],
    ["1024", 1024],
    ["2 MB", 2 * 2 ** 20],
    ["0", 0],
  ];
  for (const [text, bytes] of cases) t.equal(parseBytes(text), bytes, text);
  for (const text of ["", "m", "-1", "12x", "1.2.3g", "1e3", "99999999p"]) {
    t.throws(() => parseBytes(text), { message: `invalid size: '${text}'` });
  }
  t.equal(parseBytesOrUnlimited("-1"), -1);
  t.equal(parseNanoCpus("1.5"), 1_500_000_000);
  t.equal(parseNanoCpus(".25"), 250_000_000);
  t.throws(() => parseNanoCpus("two"), { message: "failed to parse two as a rational number" });
  t.throws(() => parseNanoCpus("0.0000000001"), { message: "value is too precise" });
});

test("ports", async (t) => {
  const bindings = (...specs: string[]) => parsePorts(specs, []).bindings;
  t.strictSame(bindings("80"), { "80/tcp": [{ HostIp: "", HostPort: "" }] });
  t.strictSame(bindings("8080:80"), { "80/tcp": [{ HostIp: "", HostPort: "8080" }] });
  t.strictSame(bindings("127.0.0.1:8080:80/udp"), { "80/udp": [{ HostIp: "127.0.0.1", HostPort: "8080" }] });
  t.strictSame(bindings("127.0.0.1::80"), { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] });
  t.strictSame(bindings("[::1]:8080:80/TCP"), { "80/tcp": [{ HostIp: "::1", HostPort: "8080" }] });
  t.strictSame(bindings("::1:8080:80"), { "80/tcp": [{ HostIp: "::1", HostPort: "8080" }] });
  t.strictSame(bindings("8000-8001:80-81"), {
    "80/tcp": [{ HostIp: "", HostPort: "8000" }],
    "81/tcp": [{ HostIp: "", HostPort: "8001" }],
  });
  t.strictSame(bindings("8000-8010:80"), { "80/tcp": [{ HostIp: "", HostPort: "8000-8010" }] });
  t.strictSame(bindings("8080:80", "8081:80")["80/tcp"]?.length, 2);
  t.strictSame(bindings("target=80,published=8080,protocol=udp"), { "80/udp": [{ HostIp: "", HostPort: "8080" }] });
  t.strictSame(Object.keys(parsePorts(["80"], ["90", "100-101/udp"]).exposed), [
    "80/tcp",
    "90/tcp",
    "100/udp",
    "101/udp",
  ]);
  const wrong: [string, string][] = [
    ["x", "invalid containerPort: x"],
    ["80:x", "invalid containerPort: x"],
    ["x:80", "invalid hostPort: x"],
    ["70000:80", "invalid hostPort: 70000"],
    ["80/foo", "invalid proto: foo"],
    ["8080:", "no port specified: 8080:<empty>"],
    ["1.2.3:80:80", "invalid IP address: 1.2.3"],
    ["localhost:80:80", "invalid IP address: localhost"],
    ["8000-8002:80-81", "invalid ranges specified for container and host Ports: 80-81 and 8000-8002"],
    ["81-80", "invalid containerPort: 81-80"],
  ];
  for (const [spec, message] of wrong) t.throws(() => bindings(spec), { message }, spec);
  t.throws(() => parsePorts([], ["80:80"]), { message: "invalid port format for --expose: 80:80" });
});

test("volumes, mounts and tmpfs", async (t) => {
  t.strictSame(parseVolumes(["/data", "name:/b", "/a:/c:ro", "./d:/e", "..:/f"], "/home/me"), {
    binds: ["name:/b", "/a:/c:ro", "/home/me/d:/e", "/home:/f"],
    anonymous: { "/data": {} },
  });
  for (const spec of ["", ":/x", "/a:", "a:b:c:d", "/a:b"]) t.throws(() => parseVolumes([spec], "/"), Error, spec);
  t.strictSame(parseTmpfs(["/run", "/tmp:size=64m,mode=1777"]), { "/run": "", "/tmp": "size=64m,mode=1777" });
  t.strictSame(parseMount("type=bind,src=./a,dst=/b,readonly,bind-propagation=rslave", "/w"), {
    Type: "bind",
    Target: "/b",
    Source: "/w/a",
    ReadOnly: true,
    BindOptions: { Propagation: "rslave" },
  });
  t.strictSame(parseMount('source=data,target=/b,ro=false,volume-nocopy,"volume-opt=o=addr=1,rw"', "/"), {
    Type: "volume",
    Target: "/b",
    Source: "data",
    ReadOnly: false,
    VolumeOptions: { NoCopy: true, DriverConfig: { Options: { o: "addr=1,rw" } } },
  });
  t.strictSame(parseMount("type=tmpfs,destination=/t,tmpfs-size=1m,tmpfs-mode=1770", "/"), {
    Type: "tmpfs",
    Target: "/t",
    TmpfsOptions: { SizeBytes: 1048576, Mode: 0o1770 },
  });
  const wrong: [string, string][] = [
    ["type=bind,target", "invalid field 'target' must be a key=value pair"],
    ["type=bind,target=/a,color=red", "unexpected key 'color' in 'color=red'"],
    ["type=bind", "target is required"],
    ["type=disk,target=/a", "invalid mount type 'disk': must be bind, volume or tmpfs"],
    ["type=bind,target=/a,tmpfs-size=1m", "cannot mix 'tmpfs-*' options with mount type 'bind'"],
    ["type=tmpfs,target=/a,tmpfs-size=big", "invalid value for tmpfs-size: big"],
    ["target=/a,readonly=maybe", "invalid value for readonly: maybe"],
  ];
  for (const [text, message] of wrong) t.throws(() => parseMount(text, "/"), { message }, text);
  t.throws(() => splitCsv('a,"b'));
});

test("environment variables and files of them", async (t) => {
  const env = { HOME: "/root", EMPTY: "" };
  t.equal(parseEnv("A=b=c", env), "A=b=c");
  t.equal(parseEnv("HOME", env), "HOME=/root");
  t.equal(parseEnv("EMPTY", env), "EMPTY=");
  t.equal(parseEnv("MISSING", env), undefined);
  t.throws(() => parseEnv("=x", env), { message: "invalid environment variable: =x" });
  const read = (text: string | Uint8Array) =>
    parseKeyValueFile(Buffer.from(text as string), "vars", (name) => env[name as keyof typeof env]);
  t.strictSame(read('\uFEFF# note\n\n  A=1 \r\nB="q" # kept\nHOME\nMISSING\nC='), [
    "A=1 ",
    'B="q" # kept',
    "HOME=/root",
    "C=",
  ]);
  t.throws(() => read("A B=1"), { message: "variable 'A B' contains whitespaces" });
  t.throws(() => read("=1"), { message: "no variable name on line '=1'" });
  t.throws(() => read(Buffer.from([65, 61, 255])), { message: "env file vars contains invalid utf8 bytes" });
});

test("devices, ulimits and restart policies", async (t) => {
  const device = (text: string) => Object.values(parseDevice(text)).join(" ");
  t.equal(device("/dev/fuse"), "/dev/fuse /dev/fuse rwm");
  t.equal(device("/dev/a:/dev/b"), "/dev/a /dev/b rwm");
  t.equal(device("/dev/a:r"), "/dev/a /dev/a r");
  t.equal(device("/dev/a:/dev/b:rw"), "/dev/a /dev/b rw");
  t.throws(() => parseDevice("/dev/a:/dev/b:rx"), { message: "invalid device mode: rx" });
  t.throws(() => parseDevice("/dev/a:b"), { message: "b is not an absolute path" });
  t.strictSame(parseUlimit("nofile=1024:2048"), { Name: "nofile", Soft: 1024, Hard: 2048 });
  t.strictSame(parseUlimit("core=-1"), { Name: "core", Soft: -1, Hard: -1 });
  for (const name of ulimitNames) t.match(parseUlimit(`${name}=1`), { Name: name, Soft: 1, Hard: 1 });
  t.throws(() => parseUlimit("nofile"), { message: "invalid ulimit argument: nofile" });
  t.throws(() => parseUlimit("files=1"), { message: "invalid ulimit type: files" });
  t.throws(() => parseUlimit("nofile=3:2"), { message: /soft limit must be less than or equal to hard limit: 3 > 2/ });
  t.strictSame(parseRestartPolicy("on-failure:3"), { Name: "on-failure", MaximumRetryCount: 3 });
  t.strictSame(parseRestartPolicy("always"), { Name: "always" });
  for (const text of ["sometimes", "always:3", "on-failure:x", "on-failure:-1", "on-failure:1:2"]) {
    t.throws(() => parseRestartPolicy(text), { message: /^invalid restart policy/ }, text);
  }
});

test("networks and hosts", async (t) => {
  t.strictSame(parseNetwork("backend"), { name: "backend", aliases: [] });
  t.strictSame(parseNetwork("name=backend,alias=db,ip=10.0.0.9"), { name: "backend", aliases: ["db"], ip: "10.0.0.9" });
  t.throws(() => parseNetwork("alias=db"), { message: /network name is not specified/ });
  t.throws(() => parseNetwork("name=a,ip=x"), { message: "invalid IPv4 address: x" });
  t.equal(parseExtraHost("db:10.0.0.1"), "db:10.0.0.1");
  t.equal(parseExtraHost("db=[::1]"), "db:::1");
  t.equal(parseExtraHost("host:host-gateway"), "host:host-gateway");
  t.throws(() => parseExtraHost("db"), { message: 'bad format for add-host: "db"' });
  t.throws(() => parseExtraHost("db:nope"), { message: 'invalid IP address in add-host: "nope"' });
});

test("times", async (t) => {
  t.equal(parseDuration("1h30m"), 5400_000_000_000n);
  t.equal(parseDuration("500ms"), 500_000_000n);
  t.equal(parseDuration("1.5m"), 90_000_000_000n);
  t.equal(parseDuration("-.5s"), -500_000_000n);
  t.equal(parseDuration("0.123456789s1ns"), 123_456_790n);
  t.equal(parseDuration("5"), undefined);
  t.equal(parseMoment("10m", 1000_000_000_001n), 400_000_000_001n);
  t.equal(parseMoment("0", 5n), 0n, "a number is Unix time, as for docker");
  t.equal(parseMoment("1700000000.5", 0n), 1700000000_500_000_000n);
  t.equal(parseMoment("2024-01-02T03:04:05Z", 0n), 1704164645_000_000_000n);
  t.equal(parseMoment("2024-01-02T03:04:05.25+01:00", 0n), 1704161045_250_000_000n);
  t.equal(parseMoment("2024-01-02", 0n), BigInt(new Date(2024, 0, 2).getTime()) * 1_000_000n);
  t.equal(parseMoment("2024-01-02T03", 0n), BigInt(new Date(2024, 0, 2, 3).getTime()) * 1_000_000n);
  t.throws(() => parseMoment("soon", 0n), { message: 'failed to parse value as time or duration: "soon"' });
  t.throws(() => parseMoment("2024-13-45", 0n));
});

test("a time keeps its nanoseconds in every form", async (t) => {
  for (let index = 0n; index < 40n; index++) {
    const ns = 1_767_225_600_123_456_781n + index * 987_654_321_987n;
    t.equal(parseMoment(formatTimestamp(ns), 0n), ns);
    t.equal(parseMoment(formatUnixTime(ns), 0n), ns);
  }
});

test("filters", async (t) => {
  t.strictSame(parseFilters(["status=exited", "label=a=b", "status=created"]), {
    status: ["exited", "created"],
    label: ["a=b"],
  });
  t.equal(parseFilters([]), undefined);
  t.throws(() => parseFilters(["status"]), { message: /bad format of filter/ });
});

test("detach keys are found across chunks of input, and all else passes", async (t) => {
  t.strictSame([...parseDetachKeys("ctrl-p,ctrl-q")], [16, 17]);
  t.strictSame([...parseDetachKeys("a,ctrl-@,ctrl-],DEL")], [97, 0, 29, 127]);
  t.throws(() => parseDetachKeys("ctrl-p,nope"), {
    message: "invalid detach keys (ctrl-p,nope): unknown character: 'nope'",
  });
  const typed = (...pieces: number[][]) => {
    const filter = new DetachFilter(Uint8Array.from([16, 17]));
    const out: number[] = [];
    for (const piece of pieces) {
      const { pass, detached } = filter.push(Uint8Array.from(piece));
      out.push(...pass);
      if (detached) return [...out, "detached"];
    }
    return out;
  };
  t.strictSame(typed([1, 2], [3]), [1, 2, 3]);
  t.strictSame(typed([1, 16, 17, 9]), [1, "detached"]);
  t.strictSame(typed([16], [17]), ["detached"]);
  t.strictSame(typed([16], [5]), [16, 5]);
  t.strictSame(typed([16, 16, 17]), [16, "detached"]);
  const off = new DetachFilter(new Uint8Array());
  t.strictSame([...off.push(Uint8Array.from([16, 17])).pass], [16, 17]);
});
