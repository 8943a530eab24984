import {
  CAPABILITIES,
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  RLIMITS,
} from "@gantry/native-sys";
import { namespaceFlags } from "./namespaces.ts";

/** Names for the kernel's numbers. */

const namesOfAttributes: readonly (readonly [bit: number, name: string])[] = [
  [MOUNT_ATTR_RDONLY, "ro"],
  [MOUNT_ATTR_NOSUID, "nosuid"],
  [MOUNT_ATTR_NODEV, "nodev"],
  [MOUNT_ATTR_NOEXEC, "noexec"],
  [MOUNT_ATTR_NODIRATIME, "nodiratime"],
  [MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow"],
  [MOUNT_ATTR_NOATIME, "noatime"],
  [MOUNT_ATTR_STRICTATIME, "strictatime"],
];

/** "ro,nosuid"; empty for none. */
export function attributeNames(mask: number | bigint): string {
  return namesOfAttributes
    .filter(([bit]) => (Number(mask) & bit) !== 0)
    .map(([, name]) => name)
    .join(",");
}

/** The options that clear these attributes: "rw", "exec", "relatime". */
export function clearedOptions(mask: number | bigint): string {
  const number = Number(mask);
  const names = namesOfAttributes
    .filter(([bit]) => (number & bit & ~MOUNT_ATTR__ATIME) !== 0)
    .map(([, name]) => (name === "ro" ? "rw" : name.slice(2)));
  return [...names, ...((number & MOUNT_ATTR__ATIME) !== 0 ? ["atime"] : [])].join(",");
}

const namesOfPropagation: Readonly<Record<number, string>> = {
  [MS_SHARED]: "shared",
  [MS_SLAVE]: "slave",
  [MS_PRIVATE]: "private",
  [MS_UNBINDABLE]: "unbindable",
};

export function propagationName(type: number | bigint, recursive: number | bigint): string {
  return `${recursive ? "r" : ""}${namesOfPropagation[Number(type)] ?? type}`;
}

/** "mount, uts and ipc" of CLONE_NEW* flags. */
export function namespaceNames(flags: number | bigint): string {
  const names = Object.entries(namespaceFlags)
    .filter(([, bit]) => (Number(flags) & bit) !== 0)
    .map(([name]) => name);
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : (names[0] ?? "none");
}

/** "CHOWN KILL" of a capability mask; "all" or "none". */
export function capabilityNames(mask: number | bigint): string {
  const bits = BigInt(mask);
  const all = Object.entries(CAPABILITIES);
  const held = all.filter(([, number]) => (bits >> BigInt(number)) & 1n).map(([name]) => name.replace("CAP_", ""));
  if (held.length === 0) return "none";
  return held.length === all.length ? "all" : held.join(" ");
}

export function rlimitName(resource: number | bigint): string {
  return Object.entries(RLIMITS).find(([, number]) => number === Number(resource))?.[0] ?? String(resource);
}

export function limitText(value: number | bigint): string {
  return BigInt(value) >= 2n ** 64n - 1n ? "unlimited" : String(value);
}

export function octalMode(mode: number | bigint): string {
  return (Number(mode) & 0o7777).toString(8).padStart(4, "0");
}

/** "0 1 7" of a bit mask; "none". */
export function bitList(mask: Uint8Array): string {
  const numbers = [...mask].flatMap((byte, at) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte & (1 << bit)).map((bit) => at * 8 + bit),
  );
  return numbers.join(" ") || "none";
}

/** "10 20" of numbers of four bytes; "none". */
export function groupList(ids: Uint8Array): string {
  return [...new Uint32Array(ids.buffer, ids.byteOffset, ids.length / 4)].join(" ") || "none";
}
