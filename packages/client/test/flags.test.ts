import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseFlags } from "@gantry/cli";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { attachedStreams } from "../src/run/container-config.ts";
import { createFlags, runFlags } from "../src/run/create-flags.ts";
import { createRequest } from "../src/run/create-request.ts";

/** Flags that the client itself acts on; other tests show how. */
const local = {
  attach: "the streams of the session",
  cidfile: "a file",
  pull: "a pull before the create",
  quiet: "that pull's output",
  detach: "no session",
  "detach-keys": "the session's keys",
  "sig-proxy": "signals of the client",
} as const;

const values: Readonly<Record<Exclude<keyof typeof createFlags, keyof typeof local>, string>> = {
  env: "A=1",
  "env-file": "FILE",
  workdir: "/w",
  user: "1",
  entrypoint: "/e",
  init: "true",
  interactive: "true",
  tty: "true",
  "stop-signal": "USR1",
  "stop-timeout": "7",
  name: "n",
  hostname: "h",
  domainname: "d",
  label: "a=1",
  "label-file": "FILE",
  platform: "linux/arm64",
  volume: "/a:/b",
  mount: "type=bind,src=/a,dst=/b",
  tmpfs: "/t",
  "read-only": "true",
  "shm-size": "7m",
  device: "/dev/null",
  network: "own",
  "network-alias": "a",
  publish: "80",
  "publish-all": "true",
  expose: "80",
  ip: "10.0.0.7",
  ip6: "2001:db8::7",
  "mac-address": "02:00:00:00:00:07",
  dns: "10.0.0.7",
  "dns-search": "a.b",
  "dns-option": "ndots:7",
  "add-host": "a:10.0.0.7",
  memory: "77m",
  "memory-swap": "77m",
  "memory-reservation": "77m",
  cpus: "0.7",
  "cpu-shares": "7",
  "cpu-period": "7000",
  "cpu-quota": "7000",
  "cpuset-cpus": "0",
  "cpuset-mems": "0",
  "pids-limit": "7",
  "blkio-weight": "77",
  ulimit: "nofile=7",
  "oom-score-adj": "7",
  "cgroup-parent": "p",
  privileged: "true",
  "cap-add": "CHOWN",
  "cap-drop": "CHOWN",
  "security-opt": "no-new-privileges",
  "group-add": "7",
  sysctl: "net.a=1",
  pid: "host",
  ipc: "host",
  uts: "host",
  rm: "true",
  restart: "always",
  runtime: "r",
  "log-driver": "none",
  "log-opt": "max-size=7m",
};

test("each flag of run and create changes the request, or what the client does", async (t) => {
  t.same(
    [...Object.keys(values), ...Object.keys(local)].sort(),
    Object.keys(runFlags).sort(),
    "each flag has an entry",
  );
  await using temp = tempDir("flags");
  const file = join(temp.path, "pairs");
  writeFileSync(file, "SPECIAL=1\n");
  const request = (...flags: string[]) =>
    JSON.stringify(createRequest(parseFlags([...flags, "image"], createFlags), { env: {}, cwd: "/", detach: false }));
  const plain = request();
  for (const [flag, value] of Object.entries(values)) {
    t.not(request(`--${flag}=${value === "FILE" ? file : value}`), plain, flag);
  }
});

test("with -i standard input is attached, whatever streams -a names", (t) => {
  const { values: given } = parseFlags(["-i", "-a", "stdout", "image"], createFlags);
  t.same(attachedStreams(given), { stdin: true, stdout: true, stderr: false });
  t.end();
});

test("a volume that is given twice counts once", (t) => {
  const parsed = parseFlags(["-v", "/a:/b", "-v", "/a:/b", "-v", "/c", "-v", "/c", "image"], createFlags);
  const { HostConfig, Config } = createRequest(parsed, { env: {}, cwd: "/", detach: false });
  t.same([HostConfig?.Binds, Config.Volumes], [["/a:/b"], { "/c": {} }]);
  t.end();
});
