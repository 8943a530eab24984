import { contracts } from "./contracts.ts";
import type { Contract, Method } from "./define.ts";
import { printSchema } from "./print-schema.ts";

/**
 * All contracts as text: the messages that cross a socket, for authors of components in other languages, and for
 * reviews of a change. `contracts.golden.txt` is this text; `node tools/src/contracts.ts` writes it.
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
