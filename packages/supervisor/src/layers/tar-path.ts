import { type BytePath, readable } from "@gantry/tree-copy/byte-path";
import { TarError } from "./tar-header.ts";

/**
 * Normalizes a path in a tar: relative to the root, without "." and "..".
 * @throws TarError for a path that leads out of the root
 */
export function insidePath(path: BytePath, entry: BytePath): BytePath {
  if (!path.includes("./") && !path.includes("//") && !path.startsWith("/") && !/(?:^|\/)\.{0,2}$/.test(path)) {
    return path;
  }
  const parts: BytePath[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) {
      throw new TarError(`layer entry "${readable(entry)}" points outside the root (${readable(path)})`);
    }
  }
  return parts.join("/");
}
