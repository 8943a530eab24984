import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { qemuArguments } from "./qemu.ts";
import type { GuestRequest, Streams } from "./run.ts";

/** A virtual machine that runs. */
export interface Machine {
  /** The guest is about to run the command. */
  readonly up: Promise<void>;
  /** QEMU is gone, and all that the guest wrote has been passed on. */
  readonly ended: Promise<void>;
  /** The command's exit status, once it has one. */
  status(): number | undefined;
  /** The end of the guest's serial console output. */
  console(): string;
  /** Ends it at once. */
  end(): void;
}

/** @param directory of this run: holds the job and the sockets */
export function startMachine(request: GuestRequest, directory: string, streams: Streams): Machine {
  let status: number | undefined;
  let console = "";
  const up = Promise.withResolvers<void>();
  const ports = [
    listen(join(directory, "stdout"), (data) => streams.stdout.write(data)),
    listen(join(directory, "stderr"), (data) => streams.stderr.write(data)),
    listen(join(directory, "control"), (data) => {
      for (const line of data.toString().split("\n")) {
        if (line === "up") up.resolve();
        if (line.startsWith("exit ")) status = Number(line.slice(5));
      }
    }),
  ];
  // QEMU dies with this process, however that one ends.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "qemu-system-x86_64", ...qemuArguments(request, directory)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const keep = (data: Buffer) => {
    console = (console + data.toString()).slice(-4000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  child.on("error", ({ message }) => {
    console += `qemu-system-x86_64: ${message}`;
  });
  const gone = new Promise<void>((resolve) => {
    child.on("close", () => resolve());
  });
  return {
    up: up.promise,
    ended: gone.then(async () => {
      for (const { drained } of ports) await drained();
      for (const name of ["stdout", "stderr", "control"]) rmSync(join(directory, name), { force: true });
    }),
    status: () => status,
    console: () => console.replaceAll("\r", "").trim(),
    end: () => child.kill("SIGKILL"),
  };
}

/** One end of a port of the virtual console: QEMU connects to it. */
function listen(path: string, onData: (data: Buffer) => void): { drained: () => Promise<void> } {
  let closed = Promise.resolve();
  const server: Server = createServer((socket) => {
    closed = new Promise((resolve) => socket.on("close", () => resolve()));
    socket.on("data", onData);
    socket.on("error", () => {});
  });
  server.listen(path);
  return {
    drained: async () => {
      await closed;
      server.close();
    },
  };
}
