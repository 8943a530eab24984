import { constants, readFileSync } from "node:fs";
import { nativeSys } from "@gantry/native-sys";
import { invalid } from "../base/errors.ts";
import { openInRoot } from "../base/open-in-root.ts";
import type { Container } from "./container.ts";
import { minimalSpec, recordContainer } from "./record.ts";
import type { World } from "./world.ts";

/** GroupAdd as numbers; names are looked up in the container's own /etc/group. */
export async function groupsOf(world: World, container: Container): Promise<number[]> {
  const wanted = container.document.hostConfig.GroupAdd ?? [];
  if (wanted.every((group) => /^\d+$/.test(group))) return wanted.map(Number);
  const groups = await groupFile(world, container);
  return wanted.map((group) => {
    if (/^\d+$/.test(group)) return Number(group);
    const line = groups.find((fields) => fields[0] === group);
    if (!line) throw invalid(`Unable to find group ${group}: no matching entries in group file`);
    return Number(line[2]);
  });
}

async function groupFile(world: World, container: Container): Promise<string[][]> {
  const { id } = container;
  if (!container.recorded) await recordContainer(world, container, minimalSpec(container));
  const { path } = await world.supervisor.call("containers.mountRootfs", { id });
  const text = readInRoot(path, "/etc/group");
  await world.supervisor.call("containers.unmountRootfs", { id });
  return text.split("\n").map((line) => line.split(":"));
}

function readInRoot(root: string, path: string): string {
  using file = openInRoot(nativeSys(), root, path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return file === undefined ? "" : readFileSync(file.number, "utf8");
  } catch {
    return "";
  }
}
