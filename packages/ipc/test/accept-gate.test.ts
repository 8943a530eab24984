import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";

const descriptors = 1500;
const server = new URL("fixtures/empty-server.ts", import.meta.url).pathname;

test("a server keeps new clients out while descriptors are short, and accepts again once they are free", async (t) => {
  await using directory = tempDir("accept-gate");
  const path = join(directory.path, "s.sock");
  const script = `ulimit -n ${descriptors}; exec ${process.execPath} ${server} ipc://${path}`;
  const child = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "inherit"] });
  const sockets: Socket[] = [];
  try {
    await once(child.stdout, "data");
    // A refused connection (full backlog) is tried again: only a missing socket file means a closed gate.
    while (existsSync(path) && sockets.length < 10 * descriptors) {
      const batch = Array.from({ length: 20 }, () => createConnection(path));
      sockets.push(...batch);
      await Promise.all(batch.map((socket) => once(socket, "connect").catch(() => undefined)));
    }
    t.notOk(existsSync(path), "the gate is closed");
    t.ok(sockets.length > descriptors / 2);
    t.ok(existsSync(`${path}.full`));
    t.equal(child.exitCode ?? child.signalCode, null, "the server runs");
    for (const socket of sockets) socket.destroy();
    await waitFor(() => existsSync(path), { timeoutMs: 20_000, what: "the open gate" });
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
