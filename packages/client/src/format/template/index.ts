import { CommandError } from "../../command.ts";
import { execute, TemplateExecError } from "./eval.ts";
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
  const failed = (error: unknown): unknown =>
    error instanceof TemplateExecError ? new CommandError(`${execPrefix}${error.message}`, 1) : error;
  const run = (data: unknown, functions: typeof templateFunctions): string => {
    try {
      return execute(templates, data, { source, name, functions });
    } catch (error) {
      throw failed(error);
    }
  };
  return {
    render(data, document) {
      if (document === undefined) return run(data, templateFunctions);
      try {
        return execute(templates, data, { source, name, functions: templateFunctions });
      } catch (error) {
        if (!(error instanceof TemplateExecError)) throw error;
      }
      try {
        const options = { source, name, functions: templateFunctions, missingKeyFails: true };
        return execute(templates, untyped(document), options);
      } catch (error) {
        throw failed(error);
      }
    },
    renderHeader: (data) => run(data, headerFunctions),
  };
}
