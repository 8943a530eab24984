import type { Contract, Method } from "./define.ts";
import { engineContract } from "./engine.ts";
import { printSchema } from "./print-schema.ts";
import { runtimeContract } from "./runtime.ts";
import { shimContract } from "./shim.ts";
import { supervisorContract } from "./supervisor.ts";

const contracts: readonly Contract[] = [engineContract, supervisorContract, shimContract, runtimeContract];

/**
 * All contracts as text: what crosses a socket, for people who write a component in another language,
 * and for a review to see each change of it. `contracts.golden.txt` is this text:
 * `node packages/ipc/src/contracts/print.ts > packages/ipc/src/contracts/contracts.golden.txt`
 */
export function printContracts(): string {
  return `${contracts.map(printContract).join("\n\n")}\n`;
}

function printContract({ name, version, methods }: Contract): string {
  const printed = Object.entries(methods).map(([method, definition]) => printMethod(method, definition));
  return [`contract ${name}/${version}`, ...printed].join("\n\n");
}

function printMethod(name: string, method: Method): string {
  const kind = method.kind === "call" && method.idempotent ? "call (idempotent)" : method.kind;
  const lines = [`${kind} ${name}`, `  # ${method.doc}`, `  request ${printSchema(method.request, 1)}`];
  if (method.kind === "stream") {
    lines.push(`  item ${printSchema(method.item, 1)}`, `  input ${printSchema(method.input, 1)}`);
  }
  lines.push(`  reply ${printSchema(method.reply, 1)}`);
  return lines.join("\n");
}

if (import.meta.main) process.stdout.write(printContracts());
