import { contracts } from "./contracts.ts";
import type { Contract, Method } from "./define.ts";
import { errorCodes, errorReasons } from "./errors.ts";
import { printSchema } from "./print-schema.ts";

/** The API reference of all contracts as Markdown: docs/contracts.md. */
export function printReference(): string {
  return `${[introduction, ...contracts.map(printContract), errors()].join("\n\n")}\n`;
}

const introduction = `# Contracts

<!-- Printed by \`node tools/src/contracts.ts\`. -->

Every method that a component serves: its fields, the errors that its description names, and the version of the contract
that introduced it. [protocol.md](protocol.md) describes how calls and streams travel. A field with \`?\` may be absent,
\`…\` stands for further fields that are kept as they are, and rules of a field follow it in parentheses.`;

function printContract({ name, version, methods }: Contract): string {
  const printed = Object.entries(methods).map(([method, definition]) => printMethod(method, definition, name));
  return [`## ${name}/${version}`, ...printed].join("\n\n");
}

function printMethod(name: string, method: Method, contract: string): string {
  const kind = method.kind === "call" && method.idempotent ? "idempotent call" : method.kind;
  const named = Object.keys(errorCodes).filter((code) => new RegExp(`\\b${code}\\b`).test(method.doc));
  const facts = [
    kind,
    `since ${contract}/${method.since}`,
    ...(named.length > 0 ? [`errors: ${named.join(", ")}`] : []),
  ];
  const schemas = [`request ${printSchema(method.request, 0)}`];
  if (method.kind === "stream")
    schemas.push(`item ${printSchema(method.item, 0)}`, `input ${printSchema(method.input, 0)}`);
  schemas.push(`reply ${printSchema(method.reply, 0)}`);
  return `### ${contract}: ${name}\n\n${method.doc}\n\n*${facts.join(" · ")}*\n\n\`\`\`\n${schemas.join("\n")}\n\`\`\``;
}

function errors(): string {
  const rows = Object.entries(errorCodes).map(([code, { http, exit }]) => `| ${code} | ${http} | ${exit} |`);
  const reasons = errorReasons.map((reason) => `\`${reason}\``).join(", ");
  return `## Errors

Every method can also fail with InvalidArgument (a field fails its check), Unavailable, DeadlineExceeded, Cancelled and
Internal. An error has \`{ code, message, data? }\`. Where a caller decides by more than the code, \`data.reason\` is one of
${reasons}.

| code | HTTP status | exit status |
| --- | --- | --- |
${rows.join("\n")}`;
}
