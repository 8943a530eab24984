import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";

const descriptors = 1500;
const server = new URL("fixtures/door-server.ts", import.meta.url).pathname;

test("clients that would take every descriptor are kept out, the server lives on, and lets others in once they go", async (t) => {
  await using directory = tempDir("door");
  const path = join(directory.path, "s.sock");
  const words = `ulimit -n ${descriptors}; exec ${process.execPath} ${server} ipc://${path}`;
  const child = spawn("sh", ["-c", words], { stdio: ["ignore", "pipe", "inherit"] });
  const sockets: Socket[] = [];
  try {
    await once(child.stdout, "data");
    // One that finds the queue full comes again: only a socket that is not found is a closed door.
    while (existsSync(path) && sockets.length < 10 * descriptors) {
      const batch = Array.from({ length: 20 }, () => createConnection(path));
      sockets.push(...batch);
      await Promise.all(batch.map((socket) => once(socket, "connect").catch(() => undefined)));
    }
    t.notOk(existsSync(path), "the door is closed");
    t.ok(sockets.length > descriptors / 2);
    t.ok(existsSync(`${path}.full`));
    t.equal(child.exitCode ?? child.signalCode, null, "it lives");
    for (const socket of sockets) socket.destroy();
    await waitFor(() => existsSync(path), { timeoutMs: 20_000, what: "the open door" });
    const late = createConnection(path);
    sockets.push(late);
    await once(late, "connect");
    child.kill("SIGTERM");
    await once(child, "exit");
    t.notOk(existsSync(path));
  } finally {
    for (const socket of sockets) socket.destroy();
    child.kill("SIGKILL");
  }
});
