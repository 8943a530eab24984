import { type Check, hasNamespace } from "./check.ts";
import { linuxChecks } from "./checks-linux.ts";
import { mountChecks } from "./checks-mounts.ts";
import { processChecks } from "./checks-process.ts";
import { seccompChecks } from "./checks-seccomp.ts";
import type { SpecProblem } from "./shape.ts";
import type { Spec } from "./types.ts";

const version: Check = {
  reads: ["ociVersion"],
  run: (spec, report) => {
    if (Number.parseInt(spec.ociVersion, 10) > 1)
      report("ociVersion", `is "${spec.ociVersion}"; known are versions up to 1.3.0`);
  },
};

const root: Check = {
  reads: ["root"],
  run: (spec, report) => {
    if (!spec.root) report("root", "is missing: a Linux container needs its root file system");
    else if (spec.root.path === "") report("root.path", "must not be empty");
  },
};

/** The kernel's limit (__NEW_UTS_LEN). */
const longestName = 64;

const names: Check = {
  reads: ["hostname", "domainname", "linux.namespaces"],
  run: (spec, report) => {
    for (const field of ["hostname", "domainname"] as const) {
      const name = spec[field];
      if (!name) continue;
      if (!hasNamespace(spec, "uts"))
        report(field, 'needs {"type": "uts"} in linux.namespaces, else the host itself would be renamed');
      if (Buffer.byteLength(name) > longestName) report(field, `must be of ${longestName} bytes at most`);
    }
  },
};

/** Every check, in the order of its reports. */
const checks: readonly Check[] = [
  ...[version, root, names],
  ...processChecks,
  ...mountChecks,
  ...linuxChecks,
  ...seccompChecks,
];

/**
 * Runs every check whose part of the document has the right shape.
 * @param problems errors of shape; the checks append theirs
 */
export function runChecks(spec: Spec, problems: SpecProblem[]): void {
  const wrong = problems.map(({ path }) => path);
  if (wrong.includes("")) return;
  for (const { reads, run } of checks)
    if (!reads.some((part) => wrong.some((path) => overlap(path, part))))
      run(spec, (path, message) => problems.push({ path, message }));
}

/** One of the two paths lies in the other: "linux" is wrong, or something below it. */
function overlap(a: string, b: string): boolean {
  return a === b || startsPart(a, b) || startsPart(b, a);
}

function startsPart(path: string, part: string): boolean {
  return path.startsWith(part) && (path[part.length] === "." || path[part.length] === "[");
}
