import type * as v from "valibot";

/** The message of a failed check, to follow a field's path: a schema's own, else valibot's as "must be …". */
export function messageOfIssue(issue: v.BaseIssue<unknown>): string {
  if (!issue.message.startsWith("Invalid ")) return issue.message;
  const expected = issue.expected ?? issue.type.replaceAll("_", " ");
  return issue.received === "undefined"
    ? `is missing; it must be ${expected}`
    : `must be ${expected}, not ${issue.received}`;
}
