import { readdir, readFile, readlink } from "node:fs/promises";
import { contains, parseAddress } from "./ipv4.ts";
import type { Networks } from "./networks.ts";
import { killAndWait } from "./process-exit.ts";

const STOP_TIMEOUT_MS = 5000;

/**
 * Stops proxies of an earlier engine that no container has: it ended between their start and its record of them.
 * Proxies in another network namespace are another engine's, whose networks may have the same addresses.
 */
export async function endStrayProxies(networks: Networks, known: ReadonlySet<number>): Promise<void> {
  const { native, proxyPath } = networks.options;
  if (proxyPath === undefined) return;
  const network = await readlink("/proc/self/ns/net");
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name) || known.has(Number(name))) continue;
    const command = await commandOf(name);
    const at = command.indexOf("-container-ip");
    if (at < 0 || !command.slice(0, 2).includes(proxyPath)) continue;
    const address = parseAddress(command[at + 1] ?? "");
    if (address === undefined || !isOurs(networks, address)) continue;
    if ((await readlink(`/proc/${name}/ns/net`).catch(() => "")) !== network) continue;
    await killAndWait(native, Number(name), {
      isExpected: async () => (await commandOf(name)).join("\0") === command.join("\0"),
      timeoutMs: STOP_TIMEOUT_MS,
    });
  }
}

async function commandOf(pid: string): Promise<string[]> {
  return (await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "")).split("\0");
}

function isOurs(networks: Networks, address: number): boolean {
  return networks.all().some(({ addresses }) => addresses && contains(addresses.subnet, address));
}
