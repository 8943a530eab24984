import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

/**
 * Checks Nx's project graph: a component imports libraries and never another component; a library imports
 * libraries; nothing that ships imports the test kit. Tools and whole-stack tests may know all of them.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "type:bin": ["type:lib"],
  "type:lib": ["type:lib"],
  "type:test": ["type:lib"],
  "type:tool": ["type:lib", "type:bin", "type:test"],
  "type:whole-stack": ["type:lib", "type:bin", "type:test", "type:tool"],
};

/** The projects that touch the kernel: only they import native-sys. */
const kernelUsers = new Set([
  "oci-runtime",
  "shim",
  "supervisor",
  "ctr",
  "engine",
  "port-proxy",
  "tini",
  "testkit",
  "tree-copy",
  "keeper",
]);

interface Graph {
  readonly graph: {
    readonly nodes: Readonly<Record<string, { readonly data: { readonly tags?: readonly string[] } }>>;
    readonly dependencies: Readonly<Record<string, readonly { readonly source: string; readonly target: string }[]>>;
  };
}

const root = join(import.meta.dirname, "../..");

function projectGraph(): Graph["graph"] {
  const file = join(root, `build-graph-${process.pid}.json`);
  try {
    execFileSync("nx", ["graph", `--file=${file}`], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
    return (JSON.parse(readFileSync(file, "utf8")) as Graph).graph;
  } finally {
    rmSync(file, { force: true });
  }
}

/** Test files are part of their package's node; the manifest's devDependencies are theirs. */
function shippedDependencies(name: string): Set<string> {
  const manifest = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as {
    dependencies?: Record<string, string>;
  };
  return new Set(Object.keys(manifest.dependencies ?? {}).map((dependency) => dependency.replace("@gantry/", "")));
}

function violations({ nodes, dependencies }: Graph["graph"]): string[] {
  const found: string[] = [];
  const typeOf = (name: string) => nodes[name]?.data.tags?.find((tag) => tag.startsWith("type:")) ?? "";
  for (const { source, target } of Object.values(dependencies).flat()) {
    if (!nodes[source] || !nodes[target]) continue;
    const testOnly = typeOf(target) === "type:test" && !shippedDependencies(source).has(target);
    if (!testOnly && !(allowed[typeOf(source)] ?? []).includes(typeOf(target))) {
      found.push(`${source} (${typeOf(source)}) must not depend on ${target} (${typeOf(target)})`);
    }
    if (target === "native-sys" && !kernelUsers.has(source))
      found.push(`${source} must not depend on native-sys: it does not touch the kernel`);
  }
  return found;
}

const found = violations(projectGraph());
for (const line of found) process.stderr.write(`boundaries: ${line}\n`);
process.exitCode = found.length > 0 ? 1 : 0;
