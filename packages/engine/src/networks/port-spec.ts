import { isIP } from "node:net";
import { invalid } from "../base/errors.ts";

export type Protocol = "tcp" | "udp" | "sctp";

/** A wish to publish a port. */
export interface PortRequest {
  readonly protocol: Protocol;
  readonly containerPort: number;
  /** Empty: every address of the host. */
  readonly hostIp: string;
  /** First and last port that will do; 0, 0 for any free one. */
  readonly first: number;
  readonly last: number;
}

type Bindings = Readonly<
  Record<string, readonly { readonly HostIp?: string | undefined; readonly HostPort?: string | undefined }[] | null>
>;

/** Reads "80", "80/tcp", "53/udp". @throws RpcError InvalidArgument in Docker's words */
export function parsePort(text: string): { port: number; protocol: Protocol } {
  const [number = "", protocol = "tcp"] = text.split("/");
  const port = Number(number);
  if (!/^\d{1,5}$/.test(number) || port < 1 || port > 65535) throw invalid(`invalid port specification: "${text}"`);
  if (protocol !== "tcp" && protocol !== "udp" && protocol !== "sctp") throw invalid(`invalid proto: ${protocol}`);
  return { port, protocol };
}

/** Reads HostConfig.PortBindings. @throws RpcError InvalidArgument naming the port */
export function parsePortConfig(bindings: Bindings): PortRequest[] {
  const result: PortRequest[] = [];
  for (const [key, list] of Object.entries(bindings)) {
    const { port, protocol } = parsePort(key);
    const wishes = list && list.length > 0 ? list : [{}];
    for (const { HostIp = "", HostPort = "" } of wishes as { HostIp?: string; HostPort?: string }[]) {
      const hostIp = HostIp.replace(/^\[|\]$/g, "");
      if (hostIp !== "" && isIP(hostIp) === 0) throw invalid(`invalid IP address: ${HostIp}`);
      result.push({ protocol, containerPort: port, hostIp, ...hostRange(HostPort) });
    }
  }
  return result;
}

/** What is to be published: the bindings, and with `all` each exposed port that has none on some free port. */
export function portsToPublish(bindings: Bindings, exposed: readonly string[], all: boolean): PortRequest[] {
  const asked = parsePortConfig(bindings);
  if (!all) return asked;
  const extra = exposed
    .flatMap(expandExposed)
    .filter(
      ({ port, protocol }) => !asked.some((other) => other.containerPort === port && other.protocol === protocol),
    );
  return [
    ...asked,
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
