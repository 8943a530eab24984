import { constants, readFileSync } from "node:fs";
import { nativeSys } from "@gantry/native-sys";
import { invalid } from "../../base/errors.ts";
import { openInRoot } from "../../base/open-in-root.ts";
import type { ContainerDocument } from "../document.ts";
import { type RootfsDeps, withRootfs } from "./record.ts";

/** GroupAdd as numbers; names are looked up in the container's own /etc/group. */
export async function groupsOf(deps: RootfsDeps, document: ContainerDocument): Promise<number[]> {
  const requested = document.hostConfig.GroupAdd ?? [];
  if (requested.every((group) => /^\d+$/.test(group))) return requested.map(Number);
  const groups = await withRootfs(deps, document, readGroupFile);
  return requested.map((group) => {
    if (/^\d+$/.test(group)) return Number(group);
    const line = groups.find((fields) => fields[0] === group);
    if (!line) throw invalid(`Unable to find group ${group}: no matching entries in group file`);
    return Number(line[2]);
  });
}

async function readGroupFile(root: string): Promise<string[][]> {
  const text = readInRoot(root, "/etc/group");
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
