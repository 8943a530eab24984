import { execFile, spawn } from "node:child_process";
import { existsSync, globSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { paths } from "./paths.ts";
import type { FileRun } from "./test-report.ts";

/** A project of the workspace as Nx's project.json describes it. */
interface Project {
  readonly name: string;
  readonly directory: string;
  /** Its tests depend on files alone, so that Nx may keep their results. */
  readonly cached: boolean;
}

function projects(): Project[] {
  return globSync(["packages/*/project.json", "test/project.json"], { cwd: paths.root }).map((path) => {
    const { name, targets } = JSON.parse(readFileSync(join(paths.root, path), "utf8")) as {
      name: string;
      targets: { test?: { cache?: boolean } };
    };
    return { name, directory: join(paths.root, dirname(path)), cached: targets.test?.cache === true };
  });
}

/** Folders of the projects that a change since `base` (a commit) affects, and of those that depend on them. */
export async function affectedFolders(base: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)("nx", ["show", "projects", "--affected", `--base=${base}`, "--json"], {
    cwd: paths.root,
  });
  const names = new Set(JSON.parse(stdout) as string[]);
  return projects()
    .filter(({ name }) => names.has(name))
    .map(({ directory }) => directory);
}

/**
 * Runs the suites whose results Nx keeps, or takes their results from its cache.
 * @param files those to be tested: suites without one of them are left out
 */
export async function runCachedSuites(files: readonly string[]): Promise<FileRun[]> {
  const suites = projects().filter(
    ({ cached, directory }) => cached && files.some((file) => file.startsWith(`${directory}/`)),
  );
  if (suites.length === 0) return [];
  for (const { name } of suites) rmSync(resultsPath(name), { force: true });
  const output = await runTargets(suites.map(({ name }) => name));
  return suites.flatMap(({ name }) => {
    if (!existsSync(resultsPath(name))) throw new Error(`the suite of ${name} did not run:\n${output}`);
    return readResults(resultsPath(name));
  });
}

/** One suite at a time: each runs its files side by side. Failures are in the results, so the exit status adds nothing. */
async function runTargets(names: readonly string[]): Promise<string> {
  const selection = ["--projects", names.join(","), "--parallel=1"];
  const child = spawn("nx", ["run-many", "-t", "test", ...selection, "--output-style=static"], { cwd: paths.root });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  return output;
}

function resultsPath(project: string): string {
  return join(paths.build, "test-results", `${project}.json`);
}

/** The form in which `--results` writes runs. Paths are relative, so that a cached result fits another work tree. */
export function encodeResults(runs: readonly FileRun[]): string {
  return JSON.stringify(
    runs.map(({ file, result }) => ({ file: { ...file, file: relative(paths.root, file.file) }, result })),
  );
}

function readResults(path: string): FileRun[] {
  const runs = JSON.parse(readFileSync(path, "utf8")) as FileRun[];
  return runs.map(({ file, result }) => ({ file: { ...file, file: join(paths.root, file.file) }, result }));
}
