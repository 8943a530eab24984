import { spawn } from "node:child_process";
import { Mutex } from "@gantry/common/mutex";
import { RpcError } from "@gantry/ipc";
import type { Network } from "./network.ts";
import type { PublishedPorts } from "./publication.ts";
import { allRules, type Chains, jumps, portChange } from "./rules.ts";

/** The engine's rules in the kernel. */
export interface Firewall {
  /** Replaces all rules; may be repeated. */
  rebuild(networks: readonly Network[], published: readonly PublishedPorts[]): Promise<void>;
  addPorts(published: PublishedPorts): Promise<void>;
  removePorts(published: PublishedPorts): Promise<void>;
  /** Removes every rule and chain. */
  clear(): Promise<void>;
}

/** Changes nothing (--iptables=false). */
export const noFirewall: Firewall = {
  rebuild: async () => {},
  addPorts: async () => {},
  removePorts: async () => {},
  clear: async () => {},
};

/** Rules by Debian's iptables; one process per change, which is applied whole or not at all. */
export function iptablesFirewall(chains: Chains): Firewall {
  const lock = new Mutex();
  const restore = (input: string) => lock.run(() => iptables("iptables-restore", ["--noflush", "--wait"], input));
  return {
    rebuild: async (networks, published) => {
      await restore(allRules(chains, networks, published));
      await removeOtherJumps(chains);
      for (const jump of jumps(chains)) {
        const rule = jump.rule.split(" ");
        if (await succeeds(["-w", "-t", jump.table, "-C", jump.chain, ...rule])) continue;
        const place = jump.first ? ["-I", jump.chain, "1"] : ["-A", jump.chain];
        await iptables("iptables", ["-w", "-t", jump.table, ...place, ...rule]);
      }
    },
    addPorts: (published) => restore(portChange(chains, "-A", published)),
    removePorts: (published) => restore(portChange(chains, "-D", published)),
    clear: async () => {
      for (const jump of jumps(chains)) {
        await succeeds(["-w", "-t", jump.table, "-D", jump.chain, ...jump.rule.split(" ")]);
      }
      for (const [table, names] of [
        ["nat", [chains.nat, chains.masquerade]],
        ["filter", [chains.forward, chains.isolation, chains.ports]],
      ] as const) {
        for (const name of names) await succeeds(["-w", "-t", table, "-F", name]);
        for (const name of names) await succeeds(["-w", "-t", table, "-X", name]);
      }
    },
  };
}

/** Removes the jumps of an earlier engine that ran with the other setting of --userland-proxy. */
async function removeOtherJumps(chains: Chains): Promise<void> {
  const own = jumps(chains).map((jump) => jump.rule);
  for (const { table, chain, rule } of jumps({ ...chains, hairpin: !chains.hairpin })) {
    if (!own.includes(rule)) await succeeds(["-w", "-t", table, "-D", chain, ...rule.split(" ")]);
  }
}

/** @throws RpcError FailedPrecondition when this machine has no iptables */
export async function requireIptables(): Promise<void> {
  try {
    await iptables("iptables", ["--version"]);
  } catch (error) {
    const message =
      "iptables is needed for the bridge network and was not found: install the package iptables, or start with --iptables=false";
    throw new RpcError("FailedPrecondition", message, undefined, { cause: error });
  }
}

async function succeeds(args: readonly string[]): Promise<boolean> {
  try {
    await iptables("iptables", args);
    return true;
  } catch {
    return false;
  }
}

/** Debian has it in /usr/sbin, which an ordinary PATH may lack. */
const environment = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`, LC_ALL: "C" };

function iptables(command: string, args: readonly string[], input = ""): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["pipe", "ignore", "pipe"], env: environment });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => {
      errors += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new RpcError("Internal", `${command} ${args.join(" ")} failed: ${errors.trim()}`));
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
