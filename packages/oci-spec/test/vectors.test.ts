import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { parseSpec, SpecError } from "../src/runtime/index.ts";

/** The specification's own documents, where a copy of it lies beside the checkout. */
const vectors = new URL("../../../../shared/oci/runtime-spec/test/config", import.meta.url).pathname;
const skip = existsSync(vectors) ? false : `needs the runtime specification's test documents in ${vectors}`;

/** Rules of the specification's text that its good documents, which show a shape, do not keep. */
const beyondShape = /^root is missing|^linux.netDevices needs .* in linux.namespaces/;

test("the specification's own good and bad documents", { skip }, async (t) => {
  const problems = (kind: string, name: string): string[] => {
    try {
      parseSpec(readFileSync(join(vectors, kind, name)));
      return [];
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      return error.problems.map(({ path, message }) => `${path} ${message}`.trim());
    }
  };
  for (const name of readdirSync(join(vectors, "good")))
    t.same(
      problems("good", name).filter((problem) => !beyondShape.test(problem)),
      [],
      name,
    );
  for (const name of readdirSync(join(vectors, "bad")))
    t.not(problems("bad", name).filter((problem) => !beyondShape.test(problem)).length, 0, name);
});
