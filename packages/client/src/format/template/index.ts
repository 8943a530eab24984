import { CommandError } from "../../command.ts";
import { type ExecuteOptions, execute, TemplateExecError } from "./eval.ts";
import { headerFunctions, templateFunctions } from "./functions.ts";
import { parseTemplate, type Templates } from "./parser.ts";
import { TemplateSyntaxError } from "./token-reader.ts";
import { untyped } from "./values.ts";

/** A compiled template. */
export interface Template {
  /**
   * @param document the data without Go's types, tried where the template does not fit the typed data
   * @throws CommandError with Go's message when it does not fit
   */
  render(data: unknown, document?: unknown): string;
  /** The same for a table's header row. */
  renderHeader(data: unknown): string;
}

export interface TemplateOptions {
  /** Exit code of a syntax error: docker has 64 for inspect, version, info and events, 1 for lists. */
  readonly exitCode?: number;
  /** The template's name in messages; docker names that of `version`. */
  readonly name?: string;
  /** In front of a syntax error, and of an error of the execution. */
  readonly syntaxPrefix?: string;
  readonly execPrefix?: string;
}

const usualPrefix = "template parsing error: ";

/**
 * Compiles a Go template.
 * @throws CommandError with docker's message
 */
export function compileTemplate(source: string, options: TemplateOptions = {}): Template {
  const { exitCode = 1, name = "", syntaxPrefix = usualPrefix, execPrefix = usualPrefix } = options;
  let templates: Templates;
  try {
    templates = parseTemplate(source, new Set(templateFunctions.keys()));
  } catch (error) {
    if (!(error instanceof TemplateSyntaxError)) throw error;
    throw new CommandError(`${syntaxPrefix}template: ${name}:${error.line}: ${error.message}`, exitCode);
  }
  const plain: ExecuteOptions = { source, name, functions: templateFunctions };
  const run = (data: unknown, options: ExecuteOptions): string => {
    try {
      return execute(templates, data, options);
    } catch (error) {
      throw error instanceof TemplateExecError ? new CommandError(`${execPrefix}${error.message}`, 1) : error;
    }
  };
  return {
    render(data, document) {
      if (document === undefined) return run(data, plain);
      try {
        return execute(templates, data, plain);
      } catch (error) {
        if (!(error instanceof TemplateExecError)) throw error;
      }
      return run(untyped(document), { ...plain, missingKeyFails: true });
    },
    renderHeader: (data) => run(data, { ...plain, functions: headerFunctions }),
  };
}
