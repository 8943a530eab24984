import { isIP } from "node:net";
import { type FlagTable, formatHelp, parseFlags, UsageError } from "@gantry/cli";

const flags = {
  proto: { type: "string", value: "PROTO", default: "tcp", choices: ["tcp", "udp", "sctp"], doc: "tcp, udp or sctp" },
  "host-ip": { type: "string", value: "IP", default: "0.0.0.0", doc: "address to listen on" },
  "host-port": { type: "integer", value: "PORT", doc: "port to listen on" },
  "container-ip": { type: "string", value: "IP", default: "0.0.0.0", doc: "address to pass on to" },
  "container-port": { type: "integer", value: "PORT", doc: "port to pass on to" },
  "use-listen-fd": { type: "boolean", doc: "take the listening socket from descriptor 4" },
  version: { type: "boolean", short: "v", doc: "show the version and exit" },
  help: { type: "boolean", short: "h", doc: "show this help and exit" },
} as const satisfies FlagTable;

export type Protocol = "tcp" | "udp" | "sctp";

/** An IPv4 or IPv6 address and a port. */
export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

export interface ProxyOptions {
  readonly protocol: Protocol;
  readonly host: Endpoint;
  readonly container: Endpoint;
  /** The listening socket comes open as descriptor 4; the host endpoint is then not looked at. */
  readonly useListenFd: boolean;
}

export type Command = { readonly show: "help" | "version" } | { readonly serve: ProxyOptions };

/**
 * Reads docker-proxy's command line; flags may have one dash or two.
 * @throws UsageError naming the flag that is wrong
 */
export function parseCommand(argv: readonly string[]): Command {
  const { values, args } = parseFlags(argv, flags, { singleDash: true });
  if (values.help) return { show: "help" };
  if (values.version) return { show: "version" };
  if (args.length > 0) throw new UsageError(`unexpected argument: ${args[0]}`);
  const useListenFd = values["use-listen-fd"];
  const host = endpoint("host", values["host-ip"], values["host-port"], useListenFd);
  const container = endpoint("container", values["container-ip"], values["container-port"], false);
  return { serve: { protocol: values.proto as Protocol, host, container, useListenFd } };
}

function endpoint(side: "host" | "container", ip: string, port: number | undefined, optional: boolean): Endpoint {
  if (isIP(ip) === 0 || ip.includes("%")) {
    throw new UsageError(`invalid value "${ip}" for -${side}-ip: must be an IPv4 or IPv6 address`);
  }
  if (port === undefined && optional) return { ip, port: 0 };
  if (port === undefined) throw new UsageError(`-${side}-port is missing`);
  if (port < 1 || port > 65535) {
    throw new UsageError(`invalid value "${port}" for -${side}-port: must be from 1 to 65535`);
  }
  return { ip, port };
}

export function helpText(): string {
  return formatHelp({
    usage: "port-proxy -proto PROTO -host-ip IP -host-port PORT -container-ip IP -container-port PORT",
    summary:
      "Listens on a port of the host and passes connections or datagrams on to a container.\n" +
      "When descriptor 3 is open, the outcome of the start is written there: 0, or 1 and a line with the reason.",
    flags,
    examples: ["port-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80"],
  });
}
