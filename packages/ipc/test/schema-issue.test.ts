import { describeIssue } from "@gantry/common/schema-issue";
import { test } from "tap";
import * as v from "valibot";

const schema = v.strictObject({
  version: v.optional(v.literal(1, "must be 1: a newer program wrote it"), 1),
  process: v.object({ args: v.array(v.string()), kind: v.picklist(["a", "b"]) }),
});

const describe = (value: unknown): string | undefined => {
  const { issues } = v.safeParse(schema, value, { abortEarly: true });
  return issues && describeIssue(issues[0]);
};

test("a failed check is one sentence, the path first", async (t) => {
  const process = { args: ["sh"], kind: "a" };
  t.equal(describe({ process }), undefined);
  const expected: readonly (readonly [value: unknown, sentence: string])[] = [
    ["text", 'must be Object, not "text"'],
    [{}, "process: is missing"],
    [{ process: null }, "process: must be Object, not null"],
    [{ process: { ...process, args: ["sh", 1] } }, "process.args.1: must be string, not 1"],
    [{ process: { ...process, kind: "c" } }, 'process.kind: must be ("a" | "b"), not "c"'],
    [{ process, version: 2 }, "version: must be 1: a newer program wrote it"],
    [{ process, other: 1 }, "other: is not a known field"],
  ];
  for (const [value, sentence] of expected) t.equal(describe(value), sentence);
});
