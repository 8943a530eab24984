import { parseUnixTime } from "@gantry/common/timestamp";
import type { RequestOf } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import { type LogSink, readLog } from "@gantry/json-log/read-log";
import { conflict } from "../base/errors.ts";
import type { Container } from "./container.ts";
import type { World } from "./world.ts";

type Request = RequestOf<(typeof engineContract.methods)["containerLogs"]>;

/** Sends a container's log, and with Follow what comes until the container ends. */
export async function containerLogs(
  world: World,
  container: Container,
  request: Request,
  output: { readonly sink: LogSink; readonly signal: AbortSignal },
): Promise<void> {
  if (container.document.hostConfig.LogConfig?.Type === "none") {
    throw conflict("configured logging driver does not support reading");
  }
  await readLog(
    {
      path: world.paths.logFile(container.id),
      stdout: request.Stdout,
      stderr: request.Stderr,
      timestamps: request.Timestamps ?? false,
      details: request.Details ?? false,
      since: request.Since === undefined ? undefined : parseUnixTime(request.Since),
      until: request.Until === undefined ? undefined : parseUnixTime(request.Until),
      tail: request.Tail === undefined || request.Tail < 0 ? undefined : request.Tail,
      finished: request.Follow ? finished(container) : undefined,
      signal: output.signal,
    },
    output.sink,
  );
}

/** Resolves once the container has ended and its streams are closed. */
async function finished(container: Container): Promise<void> {
  while (container.document.state.Running) {
    await Promise.race([container.exited.promise, container.removed.promise]);
    await container.lock.run(async () => {});
  }
}
