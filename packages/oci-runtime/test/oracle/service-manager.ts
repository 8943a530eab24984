import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { nativeSys } from "@gantry/native-sys";
import { waitFor } from "@gantry/testkit";
import type { Runtime } from "./runtime.ts";

const SOCK_DGRAM = 2;
const native = nativeSys();

/** Who starts a runtime and waits for its container to be ready, as systemd does: hears what comes to NOTIFY_SOCKET. */
export class ServiceManager implements Disposable {
  readonly address: string;
  readonly #socket: number;
  /** All that was said, without what only asks to be read. */
  readonly #heard: string[] = [];
  #barriers: number[] = [];

  /** @param address a path, or an abstract name after "@" */
  constructor(address: string) {
    this.address = address;
    this.#socket = native.unixListen(address, SOCK_DGRAM, 0);
  }

  get environment(): { readonly NOTIFY_SOCKET: string } {
    return { NOTIFY_SOCKET: this.address };
  }

  /** What was said up to now; with `keepBarriers` who asked for them goes on waiting. */
  heard({ keepBarriers = false } = {}): readonly string[] {
    for (let message = this.#receive(); message; message = this.#receive()) {
      this.#barriers.push(...message.fds);
      if (message.data.toString() !== "BARRIER=1") this.#heard.push(message.data.toString());
    }
    if (!keepBarriers) this.#endBarriers();
    return this.#heard;
  }

  /** How many wait until what they have said is read. */
  get barriers(): number {
    return this.#barriers.length;
  }

  /** Waits until a container's readiness has come, and all that goes with it. */
  async ready(): Promise<readonly string[]> {
    await waitFor(() => this.heard().some((words) => words.startsWith("MAINPID=")), {
      what: "the word that a container is ready",
      timeoutMs: 20_000,
    });
    return this.#heard;
  }

  #receive() {
    return native.recvFds(this.#socket, 4096, 4);
  }

  #endBarriers(): void {
    for (const fd of this.#barriers.splice(0)) native.closeFd(fd);
  }

  [Symbol.dispose](): void {
    this.#endBarriers();
    native.closeFd(this.#socket);
  }
}

/** Puts a program "notify" into the container, which says its arguments on NOTIFY_SOCKET. */
export function addNotify({ bundle }: Runtime): void {
  const source = new URL("notify.c", import.meta.url).pathname;
  execFileSync("musl-gcc", ["-static", "-Wall", "-o", join(bundle, "rootfs/bin/notify"), source]);
}

/** Lets a container's script go on that waits for the file. */
export function letGo({ bundle }: Runtime): void {
  writeFileSync(join(bundle, "rootfs/tmp/go"), "");
}

/** The shell's words that wait for letGo. */
export const waitForGo = "until test -e /tmp/go; do sleep 0.02; done";
