import { isIP } from "node:net";

/** localhost, 127.0.0.0/8 and ::1, with or without a port. */
export function isLoopback(domain: string): boolean {
  const host = domain.replace(/:\d+$/, "");
  return host === "localhost" || host === "[::1]" || (isIP(host) === 4 && host.startsWith("127."));
}
