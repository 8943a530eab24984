import { nativeSys } from "./addon.ts";
import { MS_BIND, MS_RDONLY, MS_REC, MS_REMOUNT } from "./constants.ts";
import { mountOverlay, type OverlayMount } from "./mounts.ts";

/** One mount(8)-like mount of a snapshot: an overlay, or a bind mount. */
export interface SnapshotMount {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** Mounts a snapshot on a directory. @throws SystemError */
export function mountSnapshot(mounts: readonly SnapshotMount[], target: string): void {
  const native = nativeSys();
  for (const mount of mounts) {
    if (mount.type === "overlay") mountOverlay({ ...overlayOf(mount), target });
    else {
      native.mount(mount.source, target, null, MS_BIND | MS_REC, null);
      if (mount.options.includes("ro")) native.mount(null, target, null, MS_BIND | MS_REMOUNT | MS_RDONLY, null);
    }
  }
}

function overlayOf({ options }: SnapshotMount): Omit<OverlayMount, "target"> {
  const value = (name: string) => options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
  const upper = value("upperdir");
  const work = value("workdir");
  return {
    lower: value("lowerdir")?.split(":") ?? [],
    ...(upper === undefined || work === undefined ? {} : { upper, work }),
    options: Object.fromEntries(options.filter((option) => !/^(lower|upper|work)dir=/.test(option)).map(pair)),
  };
}

function pair(option: string): [string, string | true] {
  const [key = "", value] = option.split(/=(.*)/s);
  return [key, value ?? true];
}
