import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FdWatch, nativeSys, POLLIN } from "@gantry/native-sys";
import { waitFor } from "@gantry/testkit";
import type { Runtime } from "./runtime.ts";

const SOCK_DGRAM = 2;
const native = nativeSys();

/** A service manager like systemd: starts a runtime, receives on NOTIFY_SOCKET, and waits for the container's READY. */
export class ServiceManager implements Disposable {
  readonly address: string;
  /** All that was said, without what only asks to be read. */
  readonly heard: string[] = [];
  readonly #socket: number;
  readonly #watch: FdWatch;
  readonly #held: number[] = [];
  #holds = false;

  /** @param address a path, or an abstract name after "@" */
  constructor(address: string) {
    this.address = address;
    this.#socket = native.unixListen(address, SOCK_DGRAM, 0);
    this.#watch = native.watchFd(this.#socket, POLLIN, () => this.#receive());
    this.#watch.unref();
  }

  get environment(): { readonly NOTIFY_SOCKET: string } {
    return { NOTIFY_SOCKET: this.address };
  }

  /** Leaves a barrier unanswered; resolves when one arrives. */
  async holdBarrier(): Promise<void> {
    this.#holds = true;
    await waitFor(() => this.#held.length > 0, { what: "a barrier", timeoutMs: 20_000 });
  }

  endBarrier(): void {
    for (const fd of this.#held.splice(0)) native.closeFd(fd);
  }

  /** Waits until a container's readiness has come, and all that goes with it. */
  async ready(): Promise<readonly string[]> {
    await waitFor(() => this.heard.some((message) => message.startsWith("MAINPID=")), {
      what: "the word that a container is ready",
      timeoutMs: 20_000,
    });
    return this.heard;
  }

  #receive(): void {
    const message = native.recvFds(this.#socket, 4096, 4);
    if (!message) return;
    this.#held.push(...message.fds);
    if (!this.#holds) this.endBarrier();
    if (message.data.toString() !== "BARRIER=1") this.heard.push(message.data.toString());
  }

  [Symbol.dispose](): void {
    this.#watch.close();
    this.endBarrier();
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

/** A shell command that waits for letGo. */
export const waitForGo = "until test -e /tmp/go; do sleep 0.02; done";
