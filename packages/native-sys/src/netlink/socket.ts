import {
  AF_NETLINK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  SOCK_NONBLOCK,
  SOCK_RAW,
} from "../constants.ts";
import { Fd } from "../fd.ts";
import type { NativeSys } from "../surface.ts";
import { NetlinkError } from "./error.ts";
import {
  decodeAcknowledgement,
  decodeMessages,
  doneErrno,
  encodeMessage,
  type NetlinkMessage,
  type NetlinkRequest,
} from "./message.ts";

// The kernel fills a dump's datagrams up to 32 KiB when the reader has room for it.
const receiveBytes = 64 * 1024;
const dumpAttempts = 8;

/**
 * A netlink socket whose requests are answered at once: the kernel works them off inside send(2), so the replies
 * wait when it returns and nothing here ever waits.
 */
export class NetlinkSocket implements Disposable {
  readonly #native: NativeSys;
  readonly #fd: Fd;
  #sequence = 0;

  /** @param netnsPath the network namespace to open it in; null for this process's own */
  constructor(native: NativeSys, protocol: number, netnsPath: string | null) {
    this.#native = native;
    this.#fd = new Fd(native.socketInNetns(netnsPath, AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, protocol));
    native.bindNetlink(this.#fd.number, 0);
  }

  /**
   * Sends all requests in one system call and reads all answers. The kernel goes on after a failed one.
   *
   * @returns messages that came beside the acknowledgements, in order
   * @throws NetlinkError for the first request that failed
   */
  send(requests: readonly NetlinkRequest[]): NetlinkMessage[] {
    const first = this.#sequence + 1;
    this.#sequence += requests.length;
    const datagram = Buffer.concat(requests.map((request, i) => encodeMessage(request, first + i)));
    this.#native.socketSend(this.#fd.number, datagram, 0);
    const replies: NetlinkMessage[] = [];
    let failure: NetlinkError | undefined;
    for (let waiting = requests.length; waiting > 0; ) {
      for (const message of this.#receive()) {
        const request = requests[message.sequence - first];
        if (!request) continue;
        if (message.type !== NLMSG_ERROR) {
          replies.push(message);
          continue;
        }
        waiting--;
        const { errno, text } = decodeAcknowledgement(message);
        if (errno !== 0) failure ??= new NetlinkError(request.description, errno, text);
      }
    }
    if (failure) throw failure;
    return replies;
  }

  /** All objects of a kind. A table that changed meanwhile is read again. @throws NetlinkError */
  dump(request: NetlinkRequest): NetlinkMessage[] {
    for (let attempt = 1; ; attempt++) {
      const { messages, consistent } = this.#dumpOnce(request);
      if (consistent || attempt === dumpAttempts) return messages;
    }
  }

  close(): void {
    this.#fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #dumpOnce(request: NetlinkRequest): { messages: NetlinkMessage[]; consistent: boolean } {
    const sequence = ++this.#sequence;
    const message = encodeMessage({ ...request, flags: request.flags | NLM_F_DUMP }, sequence);
    this.#native.socketSend(this.#fd.number, message, 0);
    const messages: NetlinkMessage[] = [];
    let consistent = true;
    for (;;) {
      for (const message of this.#receive()) {
        if (message.sequence !== sequence) continue;
        if (message.flags & NLM_F_DUMP_INTR) consistent = false;
        const ended = message.type === NLMSG_DONE || message.type === NLMSG_ERROR;
        if (!ended) {
          messages.push(message);
          continue;
        }
        const errno = message.type === NLMSG_DONE ? doneErrno(message) : decodeAcknowledgement(message).errno;
        if (errno !== 0) throw new NetlinkError(request.description, errno);
        return { messages, consistent };
      }
    }
  }

  #receive(): NetlinkMessage[] {
    const datagram = this.#native.socketRecv(this.#fd.number, receiveBytes, 0);
    if (!datagram) throw new Error("netlink: the kernel gave fewer answers than there were requests");
    return decodeMessages(datagram);
  }
}
