import { nativeSys } from "@gantry/native-sys";
import { openListener } from "./listener.ts";
import type { ProxyOptions } from "./options.ts";
import type { PortProxy } from "./protocol.ts";
import { serveStreams } from "./stream.ts";
import { serveDatagrams } from "./udp.ts";

/** How long a UDP client may be silent before its session ends, as docker-proxy has it. */
const udpIdleMs = 90_000;

/**
 * Opens the listener and serves it.
 * @throws Error with the reason when the port cannot be listened on
 */
export function startProxy(options: ProxyOptions): PortProxy {
  const native = nativeSys();
  const listener = openListener(native, options);
  if (options.protocol === "udp") return serveDatagrams(native, listener, options.container, udpIdleMs);
  return serveStreams(native, listener, options);
}
