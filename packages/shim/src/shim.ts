import { mkdirSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Clock } from "@gantry/common/clock";
import { version } from "@gantry/common/version";
import { EventLog, serve } from "@gantry/ipc";
import { shimContract } from "@gantry/ipc/contracts/shim";
import { shimEndpoint, shimFiles } from "@gantry/ipc/formats/shim-directory";
import { nativeSys } from "@gantry/native-sys";
import { announce, readBootstrap } from "./bootstrap.ts";
import type { ShimContext, ShimEvent } from "./context.ts";
import { ErrorLog } from "./error-log.ts";
import { Lifetime } from "./lifetime.ts";
import { collectAfterCreate, collectAfterStart } from "./memory.ts";
import { Reaper } from "./process/reaper.ts";
import { rehearse } from "./rehearsal.ts";
import { Children } from "./runtime/children.ts";
import { Runtimes } from "./runtime/runtimes.ts";
import { ShimService } from "./service.ts";
import { StateFiles } from "./state.ts";
import { ReadBuffer } from "./stdio/output.ts";

/** A shim that has a container by then does not rehearse. */
const restMs = 20;
/** Events kept for a supervisor that comes back. */
const eventsKept = 1024;
/** The files that a shim creates in its directory; it removes no others. */
const ownFiles =
  /^(shim\.sock|worker\.sock|shim\.log|(task|exit)\.json(\.new)?|pty-\w+\.sock|rehearsal|runtime-\d+\.\w+)$/;

/**
 * Serves one container, from the first line of standard input until it is shut down, or until its supervisor has gone
 * and it has no container.
 * @throws Error for a person when it is started wrongly
 */
export async function runShim(): Promise<void> {
  const sys = nativeSys();
  const { bootstrap, lease } = await readBootstrap(sys);
  const { directory, standbyRuntime } = bootstrap;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  process.chdir("/");
  const children = new Children();
  const context = makeContext(directory, children);
  const runtimes = new Runtimes(directory, children);
  if (standbyRuntime?.worker) {
    runtimes.prepare(standbyRuntime).catch((error) => context.errors.report("standby runtime", error));
  }
  survive(context.errors);

  const lifetime = new Lifetime(lease);
  const service = new ShimService({
    context,
    runtimeFor: (request) => runtimes.get(request),
    onOccupied: (occupied) => lifetime.occupy(occupied),
    onCreated: () => {
      lease.release();
      lifetime.forgetLease();
      collectAfterCreate();
    },
    onShutdown: (clean) => lifetime.end(clean),
  });
  const endpoint = shimEndpoint(directory);
  const onError = (error: Error) => context.errors.report("call", error);
  const server = await serve(shimContract, service.handlers, { endpoint, onError });
  announce({ address: endpoint, pid: process.pid, version });
  setTimeout(() => prepare(context, lifetime), restMs).unref();

  const clean = await lifetime.ended;
  context.events.close();
  await server.close({ deadlineMs: 500 });
  runtimes.close();
  context.reaper.stop();
  if (clean) removeOwn(directory);
}

/** Warms the code of a standby shim up, and releases the memory of its start. */
async function prepare(context: ShimContext, lifetime: Lifetime): Promise<void> {
  const isFree = () => !lifetime.isOccupied;
  // A failure costs a little speed only.
  if (isFree()) await rehearse(context, isFree).catch(() => undefined);
  collectAfterStart();
}

function makeContext(directory: string, children: Children): ShimContext {
  const sys = nativeSys();
  const clock = new Clock();
  return {
    directory,
    sys,
    clock,
    errors: new ErrorLog(join(directory, shimFiles.log), clock),
    reaper: new Reaper(sys, (pid) => children.has(pid)),
    events: new EventLog<ShimEvent>(eventsKept),
    files: new StateFiles(directory),
    buffer: new ReadBuffer(),
  };
}

/** A container dies with its shim: an unexpected error is logged, and must not end the shim. */
function survive(errors: ErrorLog): void {
  process.on("uncaughtException", (error) => errors.report("uncaught", error));
  process.on("unhandledRejection", (error) => errors.report("unhandled", error));
}

function removeOwn(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (ownFiles.test(name)) rmSync(join(directory, name), { recursive: true, force: true });
  }
  try {
    rmdirSync(directory);
  } catch {
    // It holds files of other programs.
  }
}
