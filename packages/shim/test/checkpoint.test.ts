import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { attachTo, finish, startShim, topicsOf } from "./support/shim.ts";

/**
 * runc, whose checkpoint and restore are played: CRIU does not work on every kernel, and what matters here is how they
 * are called. A checkpoint notes its arguments; a restore makes and starts the bundle's container.
 */
function playedRuntime(directory: string): string {
  const path = join(directory, "runtime");
  const script = `#!/bin/bash
set -e
args=("$@"); global=()
while [ "\${args[0]:0:2}" = -- ]; do global+=("\${args[0]}" "\${args[1]}"); args=("\${args[@]:2}"); done
case "\${args[0]}" in
checkpoint) echo "\${args[*]:1}" >> ${directory}/checkpoints ;;
restore)
  new=(); rest=("\${args[@]:1}")
  while [ \${#rest[@]} -gt 0 ]; do
    case "\${rest[0]}" in
    --image-path) cat "\${rest[1]}/state" >/dev/null; rest=("\${rest[@]:2}") ;;
    *) new+=("\${rest[0]}"); rest=("\${rest[@]:1}") ;;
    esac
  done
  exec runc "\${global[@]}" run "\${new[@]}" ;;
*) exec runc "$@" ;;
esac
`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return path;
}

test("checkpoint: runc's flags; restore: the process comes with the start, its streams and its exit as ever", async (t) => {
  await using files = tempDir("criu");
  const runtimePath = playedRuntime(files.path);
  await using shim = await startShim({ runtimePath });
  const { client } = shim;
  const topics = topicsOf(client);
  await shim.create({ args: ["sleep", "1000"] });
  await t.rejects(
    client.call("checkpoint", { imagePath: "/x" }),
    { code: "FailedPrecondition" },
    "not before the start",
  );
  await client.call("start", {});
  await client.call("checkpoint", { imagePath: "/x/i", workPath: "/x/w", tcpEstablished: true, fileLocks: true });
  await client.call("checkpoint", { imagePath: "/x/i", exit: true, shellJob: true, externalUnixSockets: true });
  t.equal(
    readFileSync(join(files.path, "checkpoints"), "utf8"),
    `--image-path /x/i --work-path /x/w --leave-running --tcp-established --file-locks ${shim.id}\n` +
      `--image-path /x/i --ext-unix-sk --shell-job ${shim.id}\n`,
  );
  await client.call("kill", { signal: 9 });
  await client.call("wait", {});
  await client.call("delete", {});
  t.same(topics, ["create", "start", "checkpointed", "checkpointed", "exit", "delete"]);
  await client.call("shutdown", {});
});

test("a restore: created without a process, started from the images", async (t) => {
  await using files = tempDir("criu");
  const images = join(files.path, "images");
  mkdirSync(images);
  writeFileSync(join(images, "state"), "");
  await using shim = await startShim({ runtimePath: playedRuntime(files.path) });
  const { client } = shim;
  t.equal(await shim.create({ args: ["sh", "-c", "echo restored; exit 3"] }, {}, images), 0);
  t.match(await client.call("state", {}), { status: "created", pid: 0 });
  const attached = attachTo(client);
  const { pid } = await client.call("start", {});
  t.ok(pid > 0);
  t.same(await attached.result, { exitStatus: 3 });
  t.equal(attached.stdout().toString(), "restored\n");
  t.match(JSON.parse(readFileSync(join(shim.directory, "task.json"), "utf8")), { pid });
  await finish(shim);
});

test("a restore that fails: the runtime's message, an ended container, nothing left", async (t) => {
  await using files = tempDir("criu");
  await using shim = await startShim({ runtimePath: playedRuntime(files.path) });
  const { client } = shim;
  await shim.create({ args: ["true"] }, {}, join(files.path, "none"));
  await t.rejects(client.call("start", {}), { message: /restore failed/ });
  t.equal((await client.call("wait", {})).exitStatus, 255);
  await finish(shim);
  await using other = await startShim({ runtimePath: playedRuntime(files.path) });
  await other.create({ args: ["true"] }, {}, join(files.path, "none"));
  await other.client.call("delete", {});
  await other.client.call("shutdown", {});
  t.notOk(existsSync(join(other.runtime.root, other.id)));
});
