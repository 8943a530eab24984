import { keyValue, splitCsv } from "@gantry/cli/csv";
import { isIP } from "./ip.ts";

export interface PortBinding {
  HostIp?: string;
  HostPort?: string;
}

/** The ports of -p and --expose in the Engine API's form. */
export interface Ports {
  readonly exposed: Record<string, Record<string, never>>;
  readonly bindings: Record<string, PortBinding[]>;
}

interface Range {
  readonly first: number;
  readonly last: number;
}

/**
 * Reads all of -p (IP:HOST:CONTAINER/PROTO with any part but the container's port left out, ranges, IPv6 in
 * brackets, or target=80,published=8080,protocol=tcp) and --expose (PORT[-PORT][/PROTO]).
 * @throws Error with docker's message
 */
export function parsePorts(publish: readonly string[], expose: readonly string[]): Ports {
  const ports: Ports = { exposed: {}, bindings: {} };
  for (const spec of publish) {
    for (const { port, binding } of parsePublish(spec)) {
      ports.exposed[port] = {};
      ports.bindings[port] = [...(ports.bindings[port] ?? []), binding];
    }
  }
  for (const spec of expose) for (const port of parseExpose(spec)) ports.exposed[port] = {};
  return ports;
}

/** One -p argument: a container's ports and where each is published. @throws Error */
export function parsePublish(spec: string): { port: string; binding: PortBinding }[] {
  const { ip, host, container } = splitSpec(/^[a-z]+=/.test(spec) ? fromLongForm(spec) : spec);
  const [containerPorts = "", protocol = "tcp", ...more] = container.split("/");
  const proto = protocol.toLowerCase();
  if (more.length > 0 || !["tcp", "udp", "sctp"].includes(proto)) throw new Error(`invalid proto: ${protocol}`);
  if (containerPorts === "") throw new Error(`no port specified: ${spec}<empty>`);
  const inside = parseRange(containerPorts);
  if (!inside || inside.first === 0) throw new Error(`invalid containerPort: ${containerPorts}`);
  const outside = host === "" ? undefined : parseRange(host);
  if (host !== "" && !outside) throw new Error(`invalid hostPort: ${host}`);
  const count = inside.last - inside.first;
  if (outside && outside.last - outside.first !== count && count !== 0) {
    throw new Error(`invalid ranges specified for container and host Ports: ${containerPorts} and ${host}`);
  }
  return Array.from({ length: count + 1 }, (_, at) => ({
    port: `${inside.first + at}/${proto}`,
    binding: { HostIp: ip, HostPort: hostPort(outside, count, at) },
  }));
}

/** One port of the range, or the whole range to choose from when the container has one port only. */
function hostPort(outside: Range | undefined, count: number, at: number): string {
  if (!outside) return "";
  if (count === 0 && outside.first !== outside.last) return `${outside.first}-${outside.last}`;
  return String(outside.first + at);
}

function splitSpec(spec: string): { ip: string; host: string; container: string } {
  const bracket = /^\[([^\]]*)\]:(.*)$/.exec(spec);
  const parts = (bracket ? (bracket[2] as string) : spec).split(":");
  const container = parts.pop() as string;
  const host = parts.pop() ?? "";
  const ip = bracket ? (bracket[1] as string) : parts.join(":");
  if (bracket && parts.length > 0) throw new Error(`invalid publish format: ${spec}`);
  if (ip !== "" && isIP(ip.split("%")[0] as string) === 0) throw new Error(`invalid IP address: ${ip}`);
  return { ip, host, container };
}

function fromLongForm(spec: string): string {
  const parts = { target: "", published: "", protocol: "tcp" };
  for (const field of splitCsv(spec)) {
    const { key, value } = keyValue(field);
    if (value === undefined || value === "") {
      throw new Error(`invalid publish opts format (should be name=value but got '${field}')`);
    }
    if (!Object.hasOwn(parts, key)) throw new Error(`invalid field key: ${key}`);
    parts[key as keyof typeof parts] = value;
  }
  if (parts.target === "") throw new Error("missing mandatory field 'target'");
  return `${parts.published}:${parts.target}/${parts.protocol}`;
}

/** One --expose argument. @throws Error */
export function parseExpose(spec: string): string[] {
  const [range = "", protocol = "tcp", ...more] = spec.split("/");
  const ports = parseRange(range);
  if (spec.includes(":") || more.length > 0 || !["tcp", "udp", "sctp"].includes(protocol.toLowerCase())) {
    throw new Error(`invalid port format for --expose: ${spec}`);
  }
  if (!ports) throw new Error(`invalid range format for --expose: ${spec}, error: invalid port ${range}`);
  return Array.from(
    { length: ports.last - ports.first + 1 },
    (_, at) => `${ports.first + at}/${protocol.toLowerCase()}`,
  );
}

function parseRange(text: string): Range | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last && last <= 65535 ? { first, last } : undefined;
}
