/** ZeroMQ's sockets for one connection: the DEALER and the two ends of its monitor. */
const socketsPerConnection = 3;

/**
 * Makes room for a process that is the client of many servers at a time; without it, about 340 connections are
 * possible. To be called before the first `connect` or `serve`; costs 36 bytes of memory per connection.
 */
export async function expectConnections(count: number): Promise<void> {
  const { context } = await import("./zeromq-sockets.ts");
  const sockets = Math.min(count * socketsPerConnection, context.maxSocketsLimit);
  context.maxSockets = Math.max(context.maxSockets, sockets);
}
