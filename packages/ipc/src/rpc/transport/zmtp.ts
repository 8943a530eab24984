import type { Socket } from "node:net";
import { RpcError } from "../../contracts/errors.ts";
import type { ConnectOptions } from "../types.ts";
import type { Frames } from "../wire/envelope.ts";
import type { Connection, ConnectionEvents } from "./connection.ts";
import { dealerDefaults } from "./socket-defaults.ts";
import { encodeCommand, encodeMessage, FrameReader, shortText, type ZmtpCommand, ZmtpError } from "./zmtp-frames.ts";

const greetingBytes = 64;
const versionAt = 10;
const mechanismAt = 12;

/**
 * Opens a connection by ZMTP in TypeScript: for a JS runtime that cannot load zeromq's addon.
 * @throws RpcError Unimplemented for tcp
 */
export async function zmtpConnection({ endpoint }: ConnectOptions, events: ConnectionEvents): Promise<Connection> {
  if (!endpoint.startsWith("ipc:"))
    throw new RpcError("Unimplemented", `${endpoint}: this program reaches ipc endpoints only`);
  return new ZmtpConnection(events);
}

/** A DEALER's connection over a Unix socket (ZMTP 3.1 with the NULL mechanism, rfc.zeromq.org/spec/37). */
class ZmtpConnection implements Connection {
  readonly #events: ConnectionEvents;
  #socket: Socket | undefined;
  #opened = false;
  #closed = false;
  #greeting = Buffer.alloc(0);
  readonly #reader: FrameReader;

  constructor(events: ConnectionEvents) {
    this.#events = events;
    this.#reader = new FrameReader(dealerDefaults.maxMessageSize, {
      command: (command) => this.#handleCommand(command),
      message: (frames) => this.#receive(frames),
    });
  }

  async run(endpoint: string): Promise<boolean> {
    const { connect } = await import("node:net");
    if (this.#closed) return false;
    const socket = connect(endpoint.slice("ipc://".length));
    this.#socket = socket;
    const late = setTimeout(() => this.#opened || socket.destroy(), dealerDefaults.handshakeInterval);
    const over = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    // A failure ends the connection: its close event is what counts.
    socket.on("error", () => {});
    socket.once("connect", () => socket.write(greeting()));
    socket.on("data", (data: Buffer) => this.#read(socket, data));
    await over;
    clearTimeout(late);
    return this.#opened;
  }

  send(frames: Frames): void {
    if (this.#closed || !this.#socket) return;
    const buffers = encodeMessage(frames);
    if (buffers.length > 1) this.#socket.cork();
    for (const buffer of buffers) this.#socket.write(buffer);
    if (buffers.length > 1) this.#socket.uncork();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const socket = this.#socket;
    if (!socket) return;
    // Messages already sent may take a moment to leave.
    setTimeout(() => socket.destroy(), dealerDefaults.linger).unref();
    socket.end(() => socket.destroy());
  }

  #read(socket: Socket, data: Buffer): void {
    try {
      const rest = this.#greeting.length < greetingBytes ? this.#greet(socket, data) : data;
      if (rest.length > 0) this.#reader.push(rest);
    } catch (error) {
      if (!(error instanceof ZmtpError)) throw error;
      socket.destroy();
    }
  }

  /** Collects the greeting; returns the bytes that follow it. @throws ZmtpError */
  #greet(socket: Socket, data: Buffer): Buffer {
    const missing = greetingBytes - this.#greeting.length;
    this.#greeting = Buffer.concat([this.#greeting, data.subarray(0, missing)]);
    if (this.#greeting.length < greetingBytes) return Buffer.alloc(0);
    checkGreeting(this.#greeting);
    socket.write(encodeCommand("READY", Buffer.concat([property("Socket-Type", "DEALER"), property("Identity", "")])));
    return data.subarray(missing);
  }

  #handleCommand({ name, data }: ZmtpCommand): void {
    if (name === "READY" && !this.#opened) {
      this.#opened = true;
      if (!this.#closed) this.#events.opened();
    } else if (name === "PING") this.#socket?.write(encodeCommand("PONG", data.subarray(2)));
    else if (name === "ERROR") throw new ZmtpError(`refused: ${data.toString("latin1", 1)}`);
  }

  #receive(frames: Frames): void {
    if (!this.#opened) throw new ZmtpError("a message before the handshake");
    if (!this.#closed) this.#events.receive(frames);
  }
}

/** Signature, version 3.1, mechanism NULL, not a server. */
function greeting(): Buffer {
  const bytes = Buffer.alloc(greetingBytes);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[versionAt] = 3;
  bytes[versionAt + 1] = 1;
  bytes.write("NULL", mechanismAt, "latin1");
  return bytes;
}

/** @throws ZmtpError for another protocol, or a mechanism with keys */
function checkGreeting(bytes: Buffer): void {
  if (bytes[0] !== 0xff || bytes[9] !== 0x7f || (bytes[versionAt] ?? 0) < 3) throw new ZmtpError("not ZMTP 3");
  const mechanism = bytes.toString("latin1", mechanismAt, mechanismAt + 20).replace(/\0+$/, "");
  if (mechanism !== "NULL") throw new ZmtpError(`the mechanism must be NULL, not ${mechanism}`);
}

/** One property of READY's metadata. */
function property(name: string, value: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  return Buffer.concat([shortText(name), length, Buffer.from(value)]);
}
