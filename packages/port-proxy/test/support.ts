import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { join } from "node:path";
import { start, type TestProcess, waitFor } from "@gantry/testkit";

const main = join(import.meta.dirname, "../src/main.ts");

/** A loopback address of this test's own, so that tests on one machine do not meet. */
export function loopback(): string {
  const part = () => 1 + Math.floor(Math.random() * 253);
  return `127.${part()}.${part()}.${part()}`;
}

export interface ProxyProcess extends TestProcess {
  /** The output of the proxy on descriptor 3; complete once it closed it. */
  readonly report: Promise<string>;
}

/** Starts the proxy with descriptor 3 as a pipe, and further descriptors after it. */
export function startProxy(args: readonly string[], more: readonly number[] = []): ProxyProcess {
  const started = start(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args], {
    stdio: ["ignore", "pipe", "pipe", "pipe", ...more],
  });
  const status = started.child.stdio[3] as unknown as NodeJS.ReadableStream;
  return { ...started, report: readAll(status) };
}

export interface Sides {
  readonly host: { readonly ip: string; readonly port: number };
  readonly target: { readonly ip: string; readonly port: number };
}

/** docker-proxy's arguments as dockerd gives them. */
export function proxyArgs(protocol: string, { host, target }: Sides): string[] {
  const hostArgs = ["-host-ip", host.ip, "-host-port", String(host.port)];
  return ["-proto", protocol, ...hostArgs, "-container-ip", target.ip, "-container-port", String(target.port)];
}

/** Starts it and waits for its ready report. */
export async function readyProxy(protocol: string, sides: Sides): Promise<ProxyProcess> {
  const proxy = startProxy(proxyArgs(protocol, sides));
  const report = await proxy.report;
  if (report !== "0\n") throw new Error(`the proxy did not start: ${report}${proxy.stderr()}`);
  return proxy;
}

export interface Server extends AsyncDisposable {
  readonly ip: string;
  readonly port: number;
  readonly sockets: net.Socket[];
}

/** A TCP server in the container's place. */
export async function serve(ip: string, onSocket: (socket: net.Socket) => void): Promise<Server> {
  const sockets: net.Socket[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    onSocket(socket);
  });
  server.listen(0, ip);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    ip,
    port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Connects, half-open allowed; an error is kept for who waits for the close. */
export function connect(ip: string, port: number): net.Socket {
  const socket = net.connect({ host: ip, port, allowHalfOpen: true });
  socket.on("error", () => {});
  return socket;
}

/** A port of this address that nothing listens on. */
export async function freePort(ip: string): Promise<number> {
  await using server = await serve(ip, () => {});
  return server.port;
}

/** How many descriptors a process has open. */
export async function descriptorCount(pid: number): Promise<number> {
  const { readdir } = await import("node:fs/promises");
  return (await readdir(`/proc/${pid}/fd`)).length;
}

/** Waits until the proxy has closed all that its connections needed. */
export async function settled(pid: number, before: number): Promise<void> {
  await waitFor(async () => (await descriptorCount(pid)) <= before, { what: `${pid} back at ${before} descriptors` });
}

/** Everything up to the stream's end, leaving its other direction open (an async iterator would close it). */
export function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  return new Promise((resolve) => {
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    for (const event of ["end", "close"]) stream.once(event, () => resolve(Buffer.concat(chunks).toString()));
  });
}
