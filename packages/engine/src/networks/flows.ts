import { messageOf } from "@gantry/common/error-message";
import { type Flow, type FlowFilter, openConntrack, openRoute } from "@gantry/native-sys/netlink";
import type { Log } from "../base/log.ts";
import type { PublishedPort } from "./port-spec.ts";

/**
 * Connections that the kernel tracks. It translates a connection's addresses once, at its first packet: as long as a
 * client goes on sending from one port, a rule that was added or deleted since has no effect. UDP has no handshake that
 * would begin a new connection.
 */
export interface Flows {
  /** Forgets traffic to a published port that does not go to its container. */
  forgetPort(containerIp: string, port: PublishedPort): void;
  /** Forgets all traffic from and to a container's address. */
  forgetAddress(address: string): void;
}

/** For an engine that adds no rules (--iptables=false). */
export const noFlows: Flows = { forgetPort() {}, forgetAddress() {} };

/** IPPROTO_*; a new TCP connection replaces an old one of the same ports by itself. */
const protocols: Readonly<Partial<Record<PublishedPort["protocol"], number>>> = { udp: 17, sctp: 132 };

/** A failure is reported and no more: the entries expire once the client pauses. */
export function trackedFlows(log: Log): Flows {
  const forget = (filters: readonly FlowFilter[], isStale: (flow: Flow) => boolean) => {
    try {
      using conntrack = openConntrack();
      for (const filter of filters) {
        for (const flow of conntrack.flows(filter)) if (isStale(flow)) conntrack.delete(flow);
      }
    } catch (error) {
      log.warn({ error: messageOf(error) }, "deleting tracked connections");
    }
  };
  return {
    forgetPort: (containerIp, { protocol, hostIp, hostPort }) => {
      const number = protocols[protocol];
      if (number === undefined || hostIp.includes(":")) return;
      const isHost = destinationTest(hostIp);
      forget(
        [{ port: { protocol: number, number: hostPort } }],
        ({ original, reply }) => reply.source !== containerIp && isHost(original.destination),
      );
    },
    forgetAddress: (address) => forget([{ source: address }, { replySource: address }], () => true),
  };
}

/** Whether a rule for this address of the host applies to a destination; traffic that only passes through is not meant. */
function destinationTest(hostIp: string): (destination: string) => boolean {
  if (hostIp !== "" && hostIp !== "0.0.0.0") return (destination) => destination === hostIp;
  using route = openRoute();
  const own = new Set(route.addresses().map(({ address }) => address.replace(/\/.*/, "")));
  return (destination) => own.has(destination) || destination.startsWith("127.");
}
