import { isIP } from "node:net";
import { invalid } from "../base/errors.ts";

export type Protocol = "tcp" | "udp" | "sctp";

/** A requested publication of a port. */
export interface PortBinding {
  readonly protocol: Protocol;
  readonly containerPort: number;
  /** Empty: every address of the host. */
  readonly hostIp: string;
  /** First and last acceptable port of the host; 0, 0 for any free one. */
  readonly first: number;
  readonly last: number;
}

/** A port of the host that leads to a port of a container. */
export interface PublishedPort {
  readonly protocol: Protocol;
  readonly containerPort: number;
  readonly hostIp: string;
  readonly hostPort: number;
  /** The proxy's process; 0 without one. */
  readonly proxyPid: number;
}

type ApiBindings = Readonly<
  Record<string, readonly { readonly HostIp?: string | undefined; readonly HostPort?: string | undefined }[] | null>
>;

/** Reads "80", "80/tcp", "53/udp". @throws RpcError InvalidArgument with Docker's message */
export function parsePort(text: string): { port: number; protocol: Protocol } {
  const [number = "", protocol = "tcp"] = text.split("/");
  const port = Number(number);
  if (!/^\d{1,5}$/.test(number) || port < 1 || port > 65535) throw invalid(`invalid port specification: "${text}"`);
  if (protocol !== "tcp" && protocol !== "udp" && protocol !== "sctp") throw invalid(`invalid proto: ${protocol}`);
  return { port, protocol };
}

/** Reads HostConfig.PortBindings. @throws RpcError InvalidArgument naming the port */
export function parsePortConfig(bindings: ApiBindings): PortBinding[] {
  const result: PortBinding[] = [];
  for (const [key, list] of Object.entries(bindings)) {
    const { port, protocol } = parsePort(key);
    const targets = list && list.length > 0 ? list : [{}];
    for (const { HostIp = "", HostPort = "" } of targets as { HostIp?: string; HostPort?: string }[]) {
      const hostIp = HostIp.replace(/^\[|\]$/g, "");
      if (hostIp !== "" && isIP(hostIp) === 0) throw invalid(`invalid IP address: ${HostIp}`);
      result.push({ protocol, containerPort: port, hostIp, ...hostRange(HostPort) });
    }
  }
  return result;
}

/** The ports to publish: the bindings, and with `all` each exposed port that has none, on some free port. */
export function portsToPublish(bindings: ApiBindings, exposed: readonly string[], all: boolean): PortBinding[] {
  const requested = parsePortConfig(bindings);
  if (!all) return requested;
  const extra = exposed
    .flatMap(expandExposed)
    .filter(
      ({ port, protocol }) => !requested.some((other) => other.containerPort === port && other.protocol === protocol),
    );
  return [
    ...requested,
    ...extra.map(({ port, protocol }) => ({ protocol, containerPort: port, hostIp: "", first: 0, last: 0 })),
  ];
}

/** "8000-8003/tcp" stands for four ports. */
export function expandExposed(text: string): { port: number; protocol: Protocol }[] {
  const [ports = "", protocol = "tcp"] = text.split("/");
  const [first = "", last = first] = ports.split("-");
  const start = parsePort(`${first}/${protocol}`);
  const end = parsePort(`${last}/${protocol}`);
  if (end.port < start.port) throw invalid(`invalid port specification: "${text}"`);
  return Array.from({ length: end.port - start.port + 1 }, (_, i) => ({ ...start, port: start.port + i }));
}

function hostRange(text: string): { first: number; last: number } {
  if (text === "" || text === "0") return { first: 0, last: 0 };
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (!match || first < 1 || last > 65535 || first > last) throw invalid(`invalid port specification: "${text}"`);
  return { first, last };
}
