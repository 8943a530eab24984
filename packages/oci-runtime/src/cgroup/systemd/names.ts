import { join } from "node:path/posix";
import { PlanError } from "../../plan/op.ts";

/** Where systemd puts a container: a scope in a slice. */
export interface UnitPlace {
  /** As "oci-runtime-box.scope". */
  readonly unit: string;
  /** As "system.slice". */
  readonly slice: string;
}

/**
 * `linux.cgroupsPath` as "slice:prefix:name", in the form that engines give it where systemd makes cgroups; absent, the
 * container's id names it.
 * @throws PlanError
 */
export function unitPlace(requested: string | undefined, id: string, user: boolean): UnitPlace {
  const standard = user ? "user.slice" : "system.slice";
  if (!requested) return { slice: standard, unit: scopeName("oci-runtime", id) };
  const parts = requested.split(":");
  const [slice = "", prefix = "", name = ""] = parts;
  if (parts.length !== 3 || name === "")
    throw new PlanError(
      `linux.cgroupsPath must be slice:prefix:name where systemd makes cgroups, not ${JSON.stringify(requested)}`,
    );
  if (
    slice !== "" &&
    (!/^[\w:.\\@-]+\.slice$/.test(slice) || /(^-[^.])|--|-\.slice$/.test(slice.replace(/^-\.slice$/, "")))
  )
    throw new PlanError(`linux.cgroupsPath names ${JSON.stringify(slice)}, which is no slice, such as system.slice`);
  return { slice: slice || standard, unit: scopeName(prefix, name) };
}

function scopeName(prefix: string, name: string): string {
  const unit = `${prefix === "" ? name : `${prefix}-${name}`}.scope`;
  if (!/^[\w:.\\@+-]{1,255}$/.test(unit))
    throw new PlanError(`linux.cgroupsPath: systemd takes no unit of the name ${JSON.stringify(unit)}`);
  return unit.replaceAll("+", "\\x2b");
}

/** The directory of a slice: "a-b.slice" is inside "a.slice", and "-.slice" is the root. */
export function slicePath(slice: string): string {
  if (slice === "-.slice") return "/";
  const parts = slice.slice(0, -".slice".length).split("-");
  return join("/", ...parts.map((_, index) => `${parts.slice(0, index + 1).join("-")}.slice`));
}
