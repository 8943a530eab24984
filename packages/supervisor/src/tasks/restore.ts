import { readdirSync, readFileSync, rmdirSync } from "node:fs";
import type { BackgroundTasks } from "@gantry/common/background-tasks";
import { type NativeSys, parseMountinfo } from "@gantry/native-sys";
import type { Metadata } from "../metadata/index.ts";
import type { Bundles } from "./bundle.ts";
import { unmountAll } from "./rootfs.ts";
import { removeShim } from "./shim-removal.ts";
import type { Tasks } from "./tasks.ts";

export interface RestoreOptions {
  readonly native: NativeSys;
  readonly metadata: Metadata;
  readonly tasks: Tasks;
  readonly bundles: Bundles;
  readonly background: BackgroundTasks;
  /** <state>/tasks and <state>/shims */
  readonly state: string;
}

/**
 * Makes the state directory and the table of tasks agree after this program was killed at any point: the tasks are
 * followed again, and bundles, mounts and shims without a task are removed.
 */
export async function restoreTasks(options: RestoreOptions): Promise<void> {
  const { native, metadata, tasks, bundles, background, state } = options;
  const rows = metadata.tasks.all();
  const known = new Set(rows.map((row) => bundles.path(row.namespace, row.containerId)));
  for (const bundle of mountedBundles(`${state}/tasks`)) {
    if (known.has(bundle)) bundles.adopt(bundle);
    else await unmountAll(native, `${bundle}/rootfs`);
  }
  for (const { namespace, id } of bundlesIn(`${state}/tasks`)) {
    if (known.has(bundles.path(namespace, id))) continue;
    await bundles.remove(namespace, id);
  }
  tasks.restore(rows);
  const shims = new Set(rows.map((row) => row.shimDirectory));
  for (const name of readdirSync(`${state}/shims`)) {
    const directory = `${state}/shims/${name}`;
    if (shims.has(directory)) continue;
    background.add("removing a leftover shim", () => removeShim(native, directory));
  }
}

/** Bundles whose root file system is mounted. */
function mountedBundles(root: string): string[] {
  const suffix = "/rootfs";
  const points = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")).map(({ mountPoint }) => mountPoint);
  const ours = points.filter((point) => point.startsWith(`${root}/`) && point.endsWith(suffix));
  return [...new Set(ours.map((point) => point.slice(0, -suffix.length)))];
}

function bundlesIn(root: string): { namespace: string; id: string }[] {
  return readdirSync(root).flatMap((namespace) => {
    const ids = readdirSync(`${root}/${namespace}`);
    if (ids.length === 0) rmdirSync(`${root}/${namespace}`);
    return ids.map((id) => ({ namespace, id }));
  });
}
