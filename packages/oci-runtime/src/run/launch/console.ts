import { readSync, writeSync } from "node:fs";
import { AF_UNIX, POLLHUP, POLLIN, SOCK_CLOEXEC, SOCK_STREAM } from "@gantry/native-sys";
import type { Host } from "../../host.ts";

/** A container's terminal, carried over this process's own standard streams while it runs in the foreground. */
export interface Console {
  /** The end that the helper sends the master's descriptor to. */
  readonly socket: number;
  /** Takes the master and begins to carry; `resize` follows the size of this process's terminal. */
  attach(): { resize(): void; drained: Promise<void>; close(): void };
  close(): void;
}

/** The size of this process's own terminal, for one of a container's that is to start with it; undefined without. */
export function ownSize({ native }: Host): { width: number; height: number } | undefined {
  // Takes milliseconds to load: only who has a terminal pays for it.
  if (!process.getBuiltinModule("node:tty").isatty(0)) return undefined;
  const { columns, rows } = native.getWinsize(0);
  return columns > 0 && rows > 0 ? { width: columns, height: rows } : undefined;
}

export function openConsole({ native }: Host): Console {
  const [ours, theirs] = native.socketPair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return {
    socket: theirs,
    attach: () => carry(native, receiveMaster(native, ours)),
    close: () => {
      native.closeFd(ours);
      native.closeFd(theirs);
    },
  };
}

type Native = Host["native"];

function receiveMaster(native: Native, socket: number): number {
  const [master, ...more] = native.recvFds(socket, 64, 1)?.fds ?? [];
  for (const fd of more) native.closeFd(fd);
  if (master === undefined) throw new Error("the container sent no terminal");
  return master;
}

function carry(native: Native, master: number): ReturnType<Console["attach"]> {
  const own = process.stdin.isTTY === true;
  // With the output's processing: it puts the carriage returns in front of the container's newlines.
  const former = own ? native.makeRaw(0, true) : undefined;
  const resize = () => {
    if (!own) return;
    const { columns, rows } = native.getWinsize(0);
    native.setWinsize(master, columns, rows);
  };
  resize();
  native.setNonBlocking(master, true);
  const onInput = (data: Buffer) => writeAll(master, data);
  process.stdin.on("data", onInput);
  const drained = copyOut(native, master);
  return {
    resize,
    drained,
    close: () => {
      process.stdin.off("data", onInput);
      process.stdin.pause();
      process.stdin.unref?.();
      if (former) native.setTermios(0, former);
      native.closeFd(master);
    },
  };
}

/** A terminal takes a line at a time: bytes that it has no room for are written again. */
function writeAll(fd: number, data: Buffer): void {
  let rest = data;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
      setTimeout(() => writeAll(fd, rest), 5);
      return;
    }
  }
}

/** Ends when the last process has closed the terminal (EIO). */
function copyOut(native: Native, master: number): Promise<void> {
  const chunk = Buffer.alloc(65536);
  return new Promise((resolve) => {
    const watch = native.watchFd(master, POLLIN | POLLHUP, () => {
      try {
        const length = readSync(master, chunk);
        if (length > 0) {
          writeSync(1, chunk, 0, length);
          return;
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EAGAIN") return;
      }
      watch.close();
      resolve();
    });
  });
}
