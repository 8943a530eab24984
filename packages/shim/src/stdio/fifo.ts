import { closeSync, constants, fstatSync, openSync } from "node:fs";
import type { NativeSys } from "@gantry/native-sys";
import type { Sink } from "./sink.ts";
import { FdWriter } from "./writer.ts";

/**
 * Opens a named pipe for reading and writing: the open never blocks, the end of a reader raises no SIGPIPE,
 * and a writer that leaves is no end of file (fifo(7)).
 * @throws Error when the path is no named pipe
 */
export function openFifo(path: string): number {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw new Error(`${path} is no named pipe`);
}

/** Output into a named pipe; a reader that does not read slows the process. */
export function fifoSink(sys: NativeSys, path: string): Sink {
  const writer = new FdWriter(sys);
  writer.open(openFifo(path));
  return { write: (chunk) => writer.write(chunk), end: () => writer.end() };
}
