import { isRpcError } from "@gantry/ipc/contracts/errors";
import { CommandError, type Context } from "../command.ts";
import { typedDocument } from "../format/template/document.ts";
import { compileTemplate } from "../format/template/index.ts";
import type { PlainObject } from "../format/template/values.ts";
import { describeFailure } from "./failure.ts";

const syntaxErrorCode = 64;
const indent = 4;

export interface InspectOptions {
  /** A Go template, json, or nothing for indented JSON. */
  readonly format: string | undefined;
  /** The kind of object, for error messages: container, object. */
  readonly kind: string;
  readonly find: (name: string) => Promise<PlainObject>;
}

/** Shows the documents of several names: an array of JSON, or one line of a template for each. */
export async function inspect(context: Context, names: readonly string[], options: InspectOptions): Promise<number> {
  const render = renderer(options.format);
  const found: PlainObject[] = [];
  const problems: string[] = [];
  for (const name of names) {
    try {
      found.push(await options.find(name));
    } catch (error) {
      if (isRpcError(error, "Unavailable")) throw error;
      problems.push(
        isRpcError(error, "NotFound")
          ? `Error: No such ${options.kind}: ${name}`
          : (await describeFailure(error, context)).message,
      );
    }
  }
  let exitCode = problems.length > 0 ? 1 : 0;
  try {
    for (const text of render(found)) context.out.print(text);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    problems.unshift(error.message);
    exitCode = error.exitCode;
  }
  for (const problem of problems) context.out.printError(problem);
  return exitCode;
}

function renderer(format: string | undefined): (found: readonly PlainObject[]) => Iterable<string> {
  if (format === undefined || format === "") return (found) => [JSON.stringify(found, null, indent)];
  if (format === "json") return (found) => [JSON.stringify(found)];
  const template = compileTemplate(format, { exitCode: syntaxErrorCode });
  return function* (found) {
    for (const document of found) yield template.render(typedDocument(document), document);
  };
}
