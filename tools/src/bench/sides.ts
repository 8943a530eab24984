import { join } from "node:path";
import { distBin, run } from "@gantry/testkit";
import type { Host } from "../../../test/support/stack.ts";
import type { Command } from "./measure.ts";
import { inside, type Setting } from "./setting.ts";
import type { Row } from "./table.ts";

/** Our stack or docker, driven by the same command lines. */
export interface Side {
  command(...args: string[]): Command;
  readonly host: Pick<Host, "directory" | "startProcess" | "sh">;
}

/** Ours, and docker where it is installed. */
export async function sides(setting: Setting): Promise<{ ours: Side; peer: Side | undefined }> {
  const stack = await setting.stack();
  const command = (...args: string[]) =>
    inside(stack.namespaces.pid, [join(distBin, "client"), ...args], { GANTRY_HOST: stack.host });
  return { ours: { command, host: stack }, peer: await setting.docker() };
}

export function dockerMissing(name: string): Row {
  return { name, unit: "ms", peerName: "docker", note: "docker.io is not installed: --with-peers" };
}

/** Runs a clean-up command and ignores its failure: there may be nothing to remove. */
export async function attempt({ argv: [program, ...args], env }: Command): Promise<void> {
  await run(program, args, { timeoutMs: 120_000, ...(env ? { env } : {}) });
}

/** @throws Error with what the command said */
export async function must({ argv: [program, ...args], env }: Command): Promise<void> {
  const result = await run(program, args, { timeoutMs: 600_000, ...(env ? { env } : {}) });
  if (result.code !== 0) throw new Error(`${[program, ...args].join(" ")}: ${result.stderr || result.stdout}`);
}

/** Nothing that was done before is still being written when the next measurement begins. */
export async function settle(): Promise<void> {
  await must({ argv: ["sync"] });
}
