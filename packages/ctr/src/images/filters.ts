import { CommandError } from "../command.ts";

/** Fields of something as a filter names them: name, labels."a.b", target.digest. */
export type Fields = (path: string) => string | undefined;

interface Clause {
  readonly path: string;
  readonly operator: "" | "==" | "!=" | "~=";
  readonly value: string;
}

const clauseForm = /^([A-Za-z0-9_."\-/]+?)(?:(==|!=|~=)("(?:[^"\\]|\\.)*"|.*))?$/;

/**
 * Reads containerd's filters: clauses with commas between them must all hold (`name~=busy,labels.a==b`), and of several
 * filters one is enough. Without a filter everything is kept.
 * @throws CommandError
 */
export function parseFilters(texts: readonly string[]): (fields: Fields) => boolean {
  const filters = texts.map((text) => splitClauses(text).map((clause) => parseClause(text, clause)));
  if (filters.length === 0) return () => true;
  return (fields) => filters.some((clauses) => clauses.every((clause) => holds(clause, fields)));
}

function splitClauses(text: string): string[] {
  return text.match(/(?:"(?:[^"\\]|\\.)*"|[^,])+/g) ?? [];
}

function parseClause(filter: string, text: string): Clause {
  const [, path, operator = "", value = ""] = clauseForm.exec(text) ?? [];
  if (path === undefined) {
    throw new CommandError(
      `filter "${filter}": must be FIELD, FIELD==VALUE, FIELD!=VALUE or FIELD~=REGEXP, such as name~=busybox`,
    );
  }
  const clause = { path, operator: operator as Clause["operator"], value: unquoted(value) };
  if (operator === "~=") checkPattern(filter, clause.value);
  return clause;
}

function checkPattern(filter: string, pattern: string): void {
  try {
    new RegExp(pattern);
  } catch (error) {
    throw new CommandError(`filter "${filter}": ${(error as Error).message}`);
  }
}

function unquoted(value: string): string {
  return value.startsWith('"') && value.endsWith('"') && value.length > 1
    ? value.slice(1, -1).replace(/\\(.)/g, "$1")
    : value;
}

function holds({ path, operator, value }: Clause, fields: Fields): boolean {
  const actual = fields(path);
  if (operator === "") return actual !== undefined;
  if (operator === "==") return actual === value;
  if (operator === "!=") return actual !== value;
  return actual !== undefined && new RegExp(value).test(actual);
}

/** A label by `labels.NAME` or `labels."NAME.WITH.DOTS"`; undefined for another path. */
export function labelAt(labels: Readonly<Record<string, string>>, path: string): string | undefined {
  if (!path.startsWith("labels.")) return undefined;
  return labels[unquoted(path.slice("labels.".length))];
}
