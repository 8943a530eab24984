import { CommandError } from "../../command.ts";
import { execute, TemplateExecError } from "./eval.ts";
import { headerFunctions, templateFunctions } from "./functions.ts";
import { TemplateSyntaxError } from "./lexer.ts";
import { parseTemplate } from "./parser.ts";

/** A compiled template. */
export interface Template {
  /** @throws CommandError "Template parsing error: …" when it does not fit the data */
  render(data: unknown): string;
  /** The same for a table's header row. */
  renderHeader(data: unknown): string;
}

/**
 * Compiles a Go template.
 * @param exitCode of a syntax error: docker has 64 for inspect, version and info, 1 for lists
 * @throws CommandError "Template parsing error: …"
 */
export function compileTemplate(source: string, exitCode = 1): Template {
  try {
    const nodes = parseTemplate(source, new Set(templateFunctions.keys()));
    const render = (data: unknown, functions: typeof templateFunctions): string => {
      try {
        return execute(nodes, data, { source, functions });
      } catch (error) {
        throw asCommandError(error, 1);
      }
    };
    return {
      render: (data) => render(data, templateFunctions),
      renderHeader: (data) => render(data, headerFunctions),
    };
  } catch (error) {
    throw asCommandError(error, exitCode);
  }
}

function asCommandError(error: unknown, exitCode: number): unknown {
  if (!(error instanceof TemplateSyntaxError || error instanceof TemplateExecError)) return error;
  return new CommandError(`Template parsing error: ${error.message}`, exitCode);
}
