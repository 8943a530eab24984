import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/** Reserves a port that the address translation serves, for as long as it is open. */
export interface HeldPort {
  close(): void;
}

/** @throws SystemError, above all EADDRINUSE */
export function holdPort(protocol: string, address: string, port: number): Promise<HeldPort> {
  return new Promise((resolve, reject) => {
    if (protocol === "tcp") {
      const server = createServer((socket) => socket.destroy());
      server.once("error", reject);
      server.listen({ host: address, port, exclusive: true, ipv6Only: true }, () => resolve(server.unref()));
      return;
    }
    if (protocol === "udp") {
      const socket = createSocket({ type: address.includes(":") ? "udp6" : "udp4", ipv6Only: address.includes(":") });
      socket.once("error", reject);
      socket.bind({ port, address, exclusive: true }, () => resolve(socket.unref()));
      return;
    }
    resolve({ close() {} });
  });
}

/** A port that another process has, as reported by a proxy. */
export class AddressInUseError extends Error {
  readonly code = "EADDRINUSE";
}

/** Whether an attempt failed because another process has the port. */
export function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === "EADDRINUSE";
}
