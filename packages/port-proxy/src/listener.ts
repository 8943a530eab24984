import type { NativeSys } from "@gantry/native-sys";
import { hasListenSocket, listenFd } from "./descriptors.ts";
import type { ProxyOptions } from "./options.ts";
import { ipProtocol } from "./protocol.ts";

/** As many waiting connections as the kernel allows (net.core.somaxconn cuts it). */
const backlog = 65_535;

/**
 * Opens the socket to serve, or takes the one the parent gave.
 * @returns its descriptor, non-blocking, which the caller closes
 * @throws Error with docker-proxy's message, such as `listen tcp4 0.0.0.0:80: bind: address already in use`
 */
export function openListener(native: NativeSys, options: ProxyOptions): number {
  const fd = options.useListenFd ? inherited(native) : bound(native, options);
  try {
    if (options.protocol === "udp") native.reportDestination(fd);
    else if (!options.useListenFd) native.listen(fd, backlog);
    return fd;
  } catch (error) {
    native.closeFd(fd);
    throw listenError(options, error);
  }
}

function inherited(native: NativeSys): number {
  if (!hasListenSocket()) throw new Error(`-use-listen-fd: descriptor ${listenFd} is not a socket`);
  native.setNonBlocking(listenFd, true);
  return listenFd;
}

function bound(native: NativeSys, options: ProxyOptions): number {
  try {
    return native.inetBind(ipProtocol[options.protocol], options.host.ip, options.host.port);
  } catch (error) {
    throw listenError(options, error);
  }
}

function listenError(options: ProxyOptions, error: unknown): Error {
  const { syscall, code, message } = error as NodeJS.ErrnoException;
  if (code === "EPROTONOSUPPORT" || code === "ESOCKTNOSUPPORT") {
    return new Error(`${options.protocol} is not supported by this machine's kernel`);
  }
  const { ip, port } = options.host;
  const six = ip.includes(":");
  const where = `${options.protocol}${six ? 6 : 4} ${six ? `[${ip}]` : ip}:${port}`;
  return new Error(`listen ${where}: ${syscall ?? "open"}: ${message.slice(message.lastIndexOf(": ") + 2)}`, {
    cause: error,
  });
}
