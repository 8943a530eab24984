import { existsSync } from "node:fs";
import { join } from "node:path/posix";
import type { CgroupPaths } from "../../cgroup/types.ts";
import type { Facts } from "../../facts.ts";
import { ContainerError } from "../../state/store.ts";

/**
 * A container's cgroups with those below them that `exec --cgroup` names: one path for all hierarchies, or
 * CONTROLLER[,CONTROLLER]:PATH for each.
 * @throws ContainerError InvalidArgument for a missing or misnamed cgroup
 */
export function subCgroups(facts: Facts, paths: CgroupPaths, requests: readonly string[]): CgroupPaths {
  const result: Record<string, string> = { ...paths };
  const taken = new Set<string>();
  for (const request of requests) {
    const [first = "", second, ...rest] = request.split(":");
    if (rest.length > 0) refuse(request, "wants [CONTROLLER:]CGROUP");
    if (second === undefined && requests.length > 1) refuse(request, "lacks its CONTROLLER: with several of them");
    const names =
      second === undefined ? Object.keys(paths) : first.split(",").map((name) => hierarchyOf(facts, name, request));
    for (const name of names) {
      if (taken.has(name)) refuse(request, `names ${name} a second time`);
      taken.add(name);
      result[name] = below(paths[name] ?? "", second ?? first, request);
    }
  }
  return result;
}

/** The hierarchy that holds a controller. */
function hierarchyOf({ cgroup }: Facts, controller: string, request: string): string {
  const found = cgroup.hierarchies.find(
    ({ name, controllers }) => name === controller || controllers.includes(controller),
  );
  return found?.name ?? refuse(request, `there is no controller ${JSON.stringify(controller)}`);
}

function below(own: string, path: string, request: string): string {
  const directory = join(own, path).replace(/\/$/, "");
  if (directory !== own && !directory.startsWith(`${own}/`)) refuse(request, "leads out of the container's own cgroup");
  return existsSync(directory) ? directory : refuse(request, `there is no cgroup ${directory}`);
}

function refuse(request: string, why: string): never {
  throw new ContainerError("InvalidArgument", `--cgroup ${request}: ${why}`);
}
