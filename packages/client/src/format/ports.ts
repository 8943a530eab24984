import type { ContainerSummary } from "@gantry/ipc/contracts/engine-types";

type Port = ContainerSummary["Ports"][number];

/** A run of neighbouring ports that are published at neighbouring ports. */
interface Group {
  readonly ip: string | undefined;
  readonly type: string;
  readonly private: number;
  readonly public: number | undefined;
  length: number;
}

/** "0.0.0.0:8080-8081->80-81/tcp, 443/tcp": a container's ports as `ps` shows them. */
export function formatPorts(ports: readonly Port[]): string {
  const groups: Group[] = [];
  for (const port of [...ports].sort(byNumber)) {
    const group = groups.find((candidate) => continues(candidate, port));
    if (group) group.length++;
    else groups.push({ ip: port.IP, type: port.Type, private: port.PrivatePort, public: port.PublicPort, length: 1 });
  }
  return groups
    .sort((a, b) => Number(a.public === undefined) - Number(b.public === undefined) || 0)
    .map(groupText)
    .join(", ");
}

function continues(group: Group, port: Port): boolean {
  if (group.ip !== port.IP || group.type !== port.Type) return false;
  if (port.PrivatePort !== group.private + group.length) return false;
  return group.public === undefined ? port.PublicPort === undefined : port.PublicPort === group.public + group.length;
}

function groupText({ ip, type, private: inside, public: outside, length }: Group): string {
  const container = `${range(inside, length)}/${type}`;
  if (outside === undefined) return container;
  const address = ip === undefined ? "" : ip.includes(":") && !ip.startsWith("[") ? `[${ip}]:` : `${ip}:`;
  return `${address}${range(outside, length)}->${container}`;
}

function range(first: number, length: number): string {
  return length === 1 ? String(first) : `${first}-${first + length - 1}`;
}

function byNumber(a: Port, b: Port): number {
  if (a.PrivatePort !== b.PrivatePort) return a.PrivatePort - b.PrivatePort;
  if (a.IP !== b.IP) return (a.IP ?? "") < (b.IP ?? "") ? -1 : 1;
  if (a.PublicPort !== b.PublicPort) return (a.PublicPort ?? 0) - (b.PublicPort ?? 0);
  return a.Type < b.Type ? -1 : 1;
}
