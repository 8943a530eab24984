import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { unclearPassages } from "../src/wording.ts";

/**
 * Refuses a dialect of our own in comments, messages, help, documentation and names: terms that an engineer of the field
 * would not use, each with better ones (CONTRIBUTING.md).
 */

const root = join(import.meta.dirname, "../..");

const code = ["packages/*/**/*.{ts,c,h,cc}", "test/**/*.{ts,c}", "tools/**/*.{ts,sh}"];
const documents = ["*.md", ".github/**/*.md", "docs/**/*.md", "packages/*/*.md", "packages/*/**/*.json"];

/** Licences of others, what packages and compilers left, and the rules themselves. */
const exclude = [
  "**/node_modules",
  "**/build",
  "THIRD-PARTY-NOTICES.md",
  "tools/src/wording.ts",
  "test/tools/wording.test.ts",
];

const filesOf = (patterns: readonly string[]) => globSync(patterns, { cwd: root, exclude });

for (const [files, isCode] of [
  [filesOf(code), true],
  [filesOf(documents), false],
] as const)
  for (const file of files)
    for (const { line, passage, better } of unclearPassages(readFileSync(join(root, file), "utf8"), isCode)) {
      process.stderr.write(`${file}:${line}: "${passage}": say rather: ${better}\n`);
      process.exitCode = 1;
    }
