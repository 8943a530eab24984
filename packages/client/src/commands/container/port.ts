import { CommandError, defineCommand } from "../../command.ts";
import type { PortBinding } from "../../parse/ports.ts";

type PortMap = Readonly<Record<string, readonly PortBinding[] | null>>;

export const command = defineCommand({
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  summary: "List port mappings or a specific mapping for the container",
  flags: {},
  args: [1, 2],
  examples: ["web", "web 80/tcp"],
  async run(context, { args: [container = "", wanted] }) {
    const engine = await context.engine();
    const document = await engine.call("containerInspect", { Id: container });
    const { Ports } = (document["NetworkSettings"] ?? {}) as { Ports?: PortMap | null };
    const ports = Ports ?? {};
    if (wanted === undefined) {
      for (const port of Object.keys(ports).sort(byNumber)) {
        for (const binding of ports[port] ?? []) context.out.print(`${port} -> ${address(binding)}`);
      }
      return 0;
    }
    const bindings = ports[wanted.includes("/") ? wanted : `${wanted}/tcp`];
    if (!bindings?.length) throw new CommandError(`Error: No public port '${wanted}' published for ${container}`);
    for (const binding of bindings) context.out.print(address(binding));
    return 0;
  },
});

function address({ HostIp = "", HostPort = "" }: PortBinding): string {
  return `${HostIp.includes(":") ? `[${HostIp}]` : HostIp}:${HostPort}`;
}

function byNumber(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1);
}
