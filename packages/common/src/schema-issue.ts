/** The fields of a schema library's issue (valibot's BaseIssue) that a description needs. */
export interface SchemaIssue {
  readonly type: string;
  readonly message: string;
  readonly expected?: string | null;
  readonly received: string;
  readonly path?: readonly { readonly key: unknown }[] | undefined;
}

/** A failed check as one sentence: "process.uid: must be number, not string"; without a path for the whole value. */
export function describeIssue(issue: SchemaIssue): string {
  const path = pathOfIssue(issue);
  return path === "" ? messageOfIssue(issue) : `${path}: ${messageOfIssue(issue)}`;
}

/** "process.args.0"; empty for the whole value. */
export function pathOfIssue({ path = [] }: SchemaIssue): string {
  return path.map(({ key }) => String(key)).join(".");
}

/** The sentence without the path: a schema's own message, else the library's as "must be …". */
export function messageOfIssue({ message, expected, received, type }: SchemaIssue): string {
  if (!message.startsWith("Invalid ")) return message;
  if (message.startsWith("Invalid key: ")) return received === "undefined" ? "is missing" : "is not a known field";
  const wanted = expected ?? type.replaceAll("_", " ");
  return received === "undefined" ? `is missing; it must be ${wanted}` : `must be ${wanted}, not ${received}`;
}
