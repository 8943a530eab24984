import { mkdirSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Clock } from "@gantry/common/clock";
import { version } from "@gantry/common/version";
import { EventLog, serve } from "@gantry/ipc";
import { shimContract } from "@gantry/ipc/contracts/shim";
import { shimEndpoint, shimFiles } from "@gantry/ipc/formats/shim-directory";
import { nativeSys } from "@gantry/native-sys";
import { announce, readBootstrap } from "./bootstrap.ts";
import { Container } from "./container.ts";
import type { ShimContext, ShimEvent } from "./context.ts";
import { ErrorLog } from "./error-log.ts";
import { Journal } from "./journal.ts";
import { Lifetime } from "./lifetime.ts";
import { collectAfterCreate, collectAfterStart } from "./memory.ts";
import { Kept } from "./process/kept.ts";
import { rehearse } from "./rehearsal.ts";
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
  /^(shim\.sock|worker\.sock|shim\.log|keeper\.sock|journal(\.new)?|(task|exit)\.json(\.new)?|pty-\w+\.sock|rehearsal|runtime-\d+\.\w+)$/;

/**
 * Serves one container, from the first line of standard input until it is shut down, or until its supervisor has gone
 * and it has no container.
 * @throws Error for a person when it is started wrongly
 */
export async function runShim(): Promise<void> {
  const sys = nativeSys();
  const { bootstrap, lease } = await readBootstrap(sys);
  const { directory, standbyRuntime, adopt = false } = bootstrap;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  process.chdir("/");
  let keeperDied: () => void = () => undefined;
  // Replaced: another shim has the container. This one's own end must touch nothing of it.
  const hooks = { onDeath: () => keeperDied(), onReplaced: () => process.exit(1) };
  const kept = await (adopt ? Kept.connect(sys, directory, hooks) : Kept.start(sys, directory, hooks));
  const journal = new Journal(join(directory, shimFiles.journal), eventsKept);
  const past = adopt ? journal.resume() : undefined;
  const context = makeContext({ directory, kept, journal, events: restoredEvents(past?.events ?? []) });
  const runtimes = new Runtimes(directory, kept);
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
  keeperDied = () => (lifetime.isOccupied ? service.keeperDied() : lifetime.end(true));
  if (past) service.adopt(await Container.adopt(context, runtimes.get(past.request), past));
  const endpoint = shimEndpoint(directory);
  const onError = (error: Error) => context.errors.report("call", error);
  const server = await serve(shimContract, service.handlers, { endpoint, onError });
  announce({ address: endpoint, pid: process.pid, version });
  if (!adopt) setTimeout(() => prepare(context, lifetime), restMs).unref();

  const clean = await lifetime.ended;
  context.events.close();
  await server.close({ deadlineMs: 500 });
  runtimes.close();
  if (clean) {
    await kept.end();
    removeOwn(directory);
  }
}

/** The events of an earlier shim under their numbers, as far back as none is missing. */
function restoredEvents(events: readonly ShimEvent[]): EventLog<ShimEvent> {
  const gap = events.findLastIndex(
    ({ sequence }, index) => sequence !== (events[index + 1]?.sequence ?? sequence + 1) - 1,
  );
  const kept = events.slice(gap + 1);
  const log = new EventLog<ShimEvent>(eventsKept, (kept[0]?.sequence ?? 1) - 1);
  for (const { sequence: _, ...event } of kept) log.append(event);
  return log;
}

/** Warms the code of a standby shim up, and releases the memory of its start. */
async function prepare(context: ShimContext, lifetime: Lifetime): Promise<void> {
  const isFree = () => !lifetime.isOccupied;
  // A failure costs a little speed only.
  if (isFree()) await rehearse(context, isFree).catch(() => undefined);
  collectAfterStart();
}

type Parts = Pick<ShimContext, "directory" | "kept" | "journal" | "events">;

function makeContext({ directory, ...parts }: Parts): ShimContext {
  const sys = nativeSys();
  const clock = new Clock();
  return {
    directory,
    sys,
    clock,
    errors: new ErrorLog(join(directory, shimFiles.log), clock),
    prefix: "",
    files: new StateFiles(directory),
    ...parts,
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
