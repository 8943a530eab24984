/** Bytes that one frame may have. */
export const maxFrameBytes = 64 << 20;

/**
 * Every option that our sockets depend on, in one place.
 *
 * High-water marks are 0 (none): messages under way are bounded by the credit of each stream and
 * the number of open calls, and a mark would make one slow stream hold up the others on its socket.
 */
const common = {
  /** Milliseconds that the last messages may take to leave after close. */
  linger: 500,
  sendHighWaterMark: 0,
  receiveHighWaterMark: 0,
  /** A send never waits in the socket: it is done at once or fails. */
  sendTimeout: 0,
  /** A larger message ends its connection. */
  maxMessageSize: maxFrameBytes,
  /** Milliseconds for a peer to complete the ZMTP handshake. */
  handshakeInterval: 5000,
} as const;

export const routerDefaults = {
  ...common,
  /** A message for a peer that is gone fails with EHOSTUNREACH instead of being dropped. */
  mandatory: true,
  /** Connections that may wait to be accepted; the kernel cuts it to net.core.somaxconn. */
  backlog: 1024,
} as const;

/**
 * A socket makes one connection. Its own reconnecting would hand messages meant for one server to the next
 * one, and the option against that (immediate) drops replies that have arrived and are not yet read: so it
 * is disabled (milliseconds), and the client makes a new socket for each attempt.
 */
export const dealerDefaults = { ...common, immediate: false, reconnectInterval: 1_000_000_000 } as const;

/** Milliseconds between attempts to connect: doubled from the first to the last. */
export const reconnect = { first: 10, last: 250 } as const;

/** Beside those, for tcp: a peer that vanished without a word is found by heartbeats (milliseconds). */
export const tcpDefaults = {
  heartbeatInterval: 5000,
  heartbeatTimeout: 15_000,
  heartbeatTimeToLive: 15_000,
} as const;

/** Milliseconds after a lost connection at which a server looks which peers are gone, and between looks at other times. */
export const probes = { afterDisconnect: [0, 10, 50, 250], every: 5000 } as const;
