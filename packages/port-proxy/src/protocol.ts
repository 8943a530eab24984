import type { Protocol } from "./options.ts";

/** IPPROTO_* of netinet/in.h. */
export const ipProtocol: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

/** A running proxy. */
export interface PortProxy {
  /** Stops listening and drops every connection or session. */
  close(): void;
}
