import type { DeviceRule } from "@gantry/oci-spec/runtime";

/**
 * The accesses that a device rule is about, of "rwm": all of them where none is named. Other letters stand for no access,
 * as with runc; the kernel and systemd refuse them.
 */
export function deviceAccess({ access }: Pick<DeviceRule, "access">): string {
  return [...(access || "rwm")].filter((letter) => "rwm".includes(letter)).join("");
}
