import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { type Test, test } from "tap";
import { paths } from "../../tools/src/paths.ts";

const { namedInputs } = JSON.parse(readFileSync(join(paths.root, "nx.json"), "utf8")) as {
  namedInputs: Readonly<Record<string, readonly string[]>>;
};

/** The files that a named input of Nx's stands for. */
function filesOf(name: string): Set<string> {
  const found = new Set<string>();
  for (const pattern of namedInputs[name] ?? []) {
    const files = globSync(pattern.replace(/^!/, "").replace("{workspaceRoot}/", ""), { cwd: paths.root });
    for (const file of files) pattern.startsWith("!") ? found.delete(file) : found.add(file);
  }
  return found;
}

/** The files of tools/src that these programs import, themselves included. */
async function importedBy(...programs: string[]): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: programs.map((program) => join(paths.root, "tools/src", program)),
    absWorkingDir: paths.root,
    outdir: "nowhere",
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    write: false,
    metafile: true,
    logLevel: "error",
  });
  return Object.keys(metafile.inputs).filter((file) => file.startsWith("tools/src/"));
}

async function check(t: Test, input: string, ...programs: string[]) {
  const named = filesOf(input);
  for (const file of await importedBy(...programs)) t.ok(named.has(file), `${input} has ${file}`);
}

test("results that Nx keeps depend on all that the test driver and the build import", async (t) => {
  await check(t, "testTools", "test.ts", "node-tap.ts", "bun-tap.ts");
  await check(t, "buildTools", "build.ts", "native-cli.ts");
});

test("a change of the benchmark, or of the build, leaves kept test results valid", async (t) => {
  t.notOk([...filesOf("testTools")].some((file) => /\/(bench|build|package|bundle)\b/.test(file)));
  t.notOk([...filesOf("buildTools")].some((file) => /\/test/.test(file)));
});
