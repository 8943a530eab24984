import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Handlers, serve } from "@gantry/ipc";
import { supervisorContract } from "@gantry/ipc/contracts/supervisor";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { SupervisorLink } from "../src/supervisor/process.ts";

test("a supervisor that answers slowly is waited for, and no second one is started", async (t) => {
  await using directory = tempDir("link");
  const state = join(directory.path, "state");
  mkdirSync(state, { mode: 0o700 });
  const [binary, started] = [join(directory.path, "supervisor"), join(directory.path, "started")];
  writeFileSync(binary, `#!/bin/sh\ntouch ${started}\nexit 1\n`);
  chmodSync(binary, 0o755);
  let calls = 0;
  const version = async (_: unknown, { signal }: { signal: AbortSignal }) => {
    calls += 1;
    if (calls === 1) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    return { version: "0", pid: process.pid, root: directory.path, state };
  };
  const handlers = { version } as unknown as Handlers<(typeof supervisorContract)["methods"]>;
  const server = await serve(supervisorContract, handlers, { endpoint: `ipc://${state}/supervisor.sock` });
  const link = new SupervisorLink({
    ...{ endpoint: undefined, binary, root: directory.path, state, shim: "", ociRuntime: "", standby: undefined },
    ...{ snapshotter: undefined, registryConfig: undefined, logFile: join(directory.path, "log") },
  });
  try {
    await link.ready();
    t.equal(calls, 2);
    t.notOk(existsSync(started));
  } finally {
    link.close();
    await server.close({ deadlineMs: 0 });
  }
});
