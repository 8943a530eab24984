import { existsSync } from "node:fs";
import { join } from "node:path/posix";
import type { CgroupPaths } from "../../cgroup/types.ts";
import type { Facts } from "../../facts.ts";
import { ContainerError } from "../../state/store.ts";

/**
 * A container's cgroups with those below them that `exec --cgroup` names: one path for all hierarchies, or
 * CONTROLLER[,CONTROLLER]:PATH for each.
 * @throws ContainerError InvalidArgument for what does not exist or is named wrongly
 */
export function subCgroups(facts: Facts, paths: CgroupPaths, wishes: readonly string[]): CgroupPaths {
  const result: Record<string, string> = { ...paths };
  const taken = new Set<string>();
  for (const wish of wishes) {
    const [first = "", second, ...rest] = wish.split(":");
    if (rest.length > 0) refuse(wish, "wants [CONTROLLER:]CGROUP");
    if (second === undefined && wishes.length > 1) refuse(wish, "lacks its CONTROLLER: with several of them");
    const names =
      second === undefined ? Object.keys(paths) : first.split(",").map((name) => hierarchyOf(facts, name, wish));
    for (const name of names) {
      if (taken.has(name)) refuse(wish, `names ${name} a second time`);
      taken.add(name);
      result[name] = below(paths[name] ?? "", second ?? first, wish);
    }
  }
  return result;
}

/** The hierarchy that holds a controller. */
function hierarchyOf({ cgroup }: Facts, controller: string, wish: string): string {
  const found = cgroup.hierarchies.find(
    ({ name, controllers }) => name === controller || controllers.includes(controller),
  );
  return found?.name ?? refuse(wish, `there is no controller ${JSON.stringify(controller)}`);
}

/** Never above the container's own, whatever dots the path has. */
function below(own: string, path: string, wish: string): string {
  const directory = join(own, join("/", path));
  return existsSync(directory) ? directory : refuse(wish, `there is no cgroup ${directory}`);
}

function refuse(wish: string, why: string): never {
  throw new ContainerError("InvalidArgument", `--cgroup ${wish}: ${why}`);
}
