import { parseUnixTime } from "@gantry/common/timestamp";
import type { RequestOf } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import { type LogSink, readLog } from "@gantry/json-log/read-log";
import { conflict } from "../../base/errors.ts";
import type { Paths } from "../../base/paths.ts";
import type { Container } from "../container.ts";
import { admit } from "../lifecycle/table.ts";

type Request = RequestOf<(typeof engineContract.methods)["containerLogs"]>;

/** Sends a container's log, with Follow until the container has ended. */
export async function containerLogs(
  deps: { readonly paths: Paths },
  container: Container,
  request: Request,
  output: { readonly sink: LogSink; readonly signal: AbortSignal },
): Promise<void> {
  await container.lifecycle.exclusive(async () => admit("logs", container));
  if (container.document.hostConfig.LogConfig?.Type === "none") {
    throw conflict("configured logging driver does not support reading");
  }
  await readLog(
    {
      path: deps.paths.logFile(container.id),
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
    await Promise.race([container.lifecycle.run.exited, container.lifecycle.removed]);
    await container.lifecycle.settled();
  }
}
