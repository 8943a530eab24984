import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive, requires, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { binary, peerHost } from "../support/stack.ts";

const runtime = binary("oci-runtime");

test("Debian's containerd runs containers with our oci-runtime", async (t) => {
  if (!requires(t, "tool:containerd", "tool:ctr")) return;
  await using host = await peerHost("containerd");
  const { directory, sh } = host;
  const config = join(directory, "config.toml");
  writeFileSync(
    config,
    `version = 2\nroot = "${directory}/root"\nstate = "${directory}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  address = "${directory}/c.sock"\n`,
  );
  host.startProcess("containerd", ["-c", config]);
  const ctr = `ctr -a ${directory}/c.sock`;
  await waitFor(async () => (await sh(`${ctr} version`)).code === 0, { timeoutMs: 15_000, what: "containerd" });
  const imported = await sh(`${ctr} images import ${await busyboxArchive(directory)}`);
  t.equal(imported.code, 0, imported.stderr);
  const image = "docker.io/library/busybox:latest";
  const run = await sh(`${ctr} run --rm --runc-binary ${runtime} ${image} one sh -c 'echo ran; exit 3'`);
  t.equal(run.stdout, "ran\n", run.stderr);
  t.equal(run.code, 3);
  t.equal((await sh(`${ctr} run -d --runc-binary ${runtime} ${image} two sleep 1000`)).code, 0);
  t.equal((await sh(`${ctr} task exec --exec-id e two echo exec`)).stdout, "exec\n");
  t.equal((await sh(`${ctr} task exec --exec-id f two sh -c 'exit 7'`)).code, 7);
  t.match((await sh(`script -qec "${ctr} task exec -t --exec-id g two tty" /dev/null`)).stdout, /\/dev\/pts\/0/);
  t.match(
    (await sh(`script -qec "${ctr} run --rm -t --runc-binary ${runtime} ${image} t tty" /dev/null`)).stdout,
    /pts/,
  );
  t.match((await sh(`${ctr} run --rm --runc-binary ${runtime} ${image} no nowhere`)).stderr, /not found in \$PATH/);
  t.match((await sh(`${ctr} task ps two`)).stdout, /^\d+/m);
  t.equal((await sh(`${ctr} task pause two && ${ctr} task resume two`)).code, 0);
  const metrics = await sh(`${ctr} task metrics two`);
  t.equal(metrics.code, 0, metrics.stderr);
  t.equal((await sh(`${ctr} task kill -s KILL two`)).code, 0);
  await waitFor(async () => /STOPPED/.test((await sh(`${ctr} task ls`)).stdout));
  t.equal((await sh(`${ctr} task rm two; ${ctr} container rm two`)).code, 0);
});

test("Debian's podman runs containers with our oci-runtime", async (t) => {
  if (!requires(t, "tool:podman")) return;
  await using host = await peerHost("podman");
  const { directory, sh } = host;
  mkdirSync(join(directory, "run"));
  const podman = `podman --root ${directory}/root --runroot ${directory}/run --cgroup-manager cgroupfs --events-backend file --runtime ${runtime}`;
  const loaded = await sh(`${podman} load -q -i ${await busyboxArchive(directory)}`);
  t.equal(loaded.code, 0, loaded.stderr);
  const image = (await sh(`${podman} images -q`)).stdout.trim();
  const flags = "--network none --ulimit nofile=10000:10000 --ulimit nproc=1000:1000";
  const run = await sh(`${podman} run --rm ${flags} ${image} sh -c 'echo ran; exit 3'`);
  t.equal(run.stdout, "ran\n", run.stderr);
  t.equal(run.code, 3);
  const detached = await sh(`${podman} run -d --name two ${flags} ${image} sleep 1000`);
  t.equal(detached.code, 0, detached.stderr);
  t.equal((await sh(`${podman} exec two echo exec`)).stdout, "exec\n");
  t.equal((await sh(`${podman} exec two sh -c 'exit 7'`)).code, 7);
  t.equal((await sh(`${podman} exec two nowhere`)).code, 127);
  t.match((await sh(`${podman} exec -t two tty`)).stdout, /^\/dev\/pts\/\d+\r?\n$/);
  t.match((await sh(`${podman} run --rm -t ${flags} ${image} tty`)).stdout, /^\/dev\/pts\/0\r?\n$/);
  t.equal((await sh(`${podman} pause two`)).code, 0);
  t.match((await sh(`${podman} ps -a --format '{{.Status}}'`)).stdout, /[Pp]aused/);
  t.equal((await sh(`${podman} unpause two`)).code, 0);
  t.match((await sh(`${podman} stats --no-stream --format '{{.PIDs}}' two`)).stdout, /^1$/m);
  t.equal((await sh(`${podman} kill -s KILL two`)).code, 0);
  t.equal((await sh(`${podman} wait two`)).stdout, "137\n");
  t.equal((await sh(`${podman} start two && ${podman} rm -f -t 0 two`)).code, 0);
});

test("Debian's dockerd uses our runtime, tini and port-proxy where it would use its own", async (t) => {
  if (!requires(t, "tool:dockerd", "tool:containerd")) return;
  await using host = await peerHost("dockerd");
  const { directory, sh } = host;
  const socket = `unix://${directory}/d.sock`;
  const flags = [
    "-H",
    socket,
    "--data-root",
    `${directory}/root`,
    "--exec-root",
    `${directory}/exec`,
    "--pidfile",
    `${directory}/pid`,
    "--add-runtime",
    `gantry=${runtime}`,
    "--default-runtime",
    "gantry",
  ];
  host.startProcess("dockerd", [
    ...flags,
    "--init-path",
    binary("tini-static"),
    "--userland-proxy-path",
    binary("port-proxy"),
  ]);
  const docker = `/usr/bin/docker -H ${socket}`;
  await waitFor(async () => (await sh(`${docker} version`)).code === 0, { timeoutMs: 30_000, what: "dockerd" });
  t.equal((await sh(`${docker} load -q -i ${await busyboxArchive(directory)}`)).code, 0);
  const run = await sh(`${docker} run --rm --init busybox sh -c 'cat /proc/1/comm; exit 3'`);
  t.equal(run.code, 3, run.stderr);
  t.match(run.stdout, /docker-init|tini/);
  const web = await sh(
    `${docker} run -d --name web -p 8080:80 busybox sh -c 'mkdir /w; echo through > /w/index.html; exec httpd -f -p 80 -h /w'`,
  );
  t.equal(web.code, 0, web.stderr);
  const body = await waitFor(async () => (await sh("curl -s -m 2 http://127.0.0.1:8080/")).stdout);
  t.equal(body, "through\n");
  t.equal((await sh(`${docker} exec web echo exec`)).stdout, "exec\n");
  t.equal((await sh(`${docker} rm -f web`)).code, 0);
});
