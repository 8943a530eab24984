import type { Seccomp } from "@gantry/oci-spec/runtime";
import { defaultSeccompProfile } from "@gantry/oci-spec/runtime";
import { invalid } from "../base/errors.ts";
import { parseSeccompProfile } from "./seccomp-profile.ts";

/** Parsed SecurityOpt. */
export interface SecurityOptions {
  /** "default", "unconfined", or the text of a profile. */
  readonly seccomp: string;
  readonly noNewPrivileges: boolean;
  /** No path of /proc and /sys is masked or read-only. */
  readonly systemPathsUnconfined: boolean;
}

/**
 * Reads SecurityOpt: seccomp=unconfined or a profile, no-new-privileges, systempaths=unconfined, and the
 * switches for features that this stack does not have (apparmor=unconfined, label=disable).
 * @throws RpcError InvalidArgument naming the option
 */
export function parseSecurityOptions(options: readonly string[]): SecurityOptions {
  const result = { seccomp: "default", noNewPrivileges: false, systemPathsUnconfined: false };
  for (const option of options) {
    if (option === "no-new-privileges") {
      result.noNewPrivileges = true;
      continue;
    }
    const match = /^([a-z-]+)[=:]([\s\S]*)$/.exec(option);
    if (!match) throw invalid(`invalid --security-opt: "${option}"`);
    const [, key, value = ""] = match;
    if (key === "seccomp") result.seccomp = value === "builtin" ? "default" : value;
    else if (key === "no-new-privileges") result.noNewPrivileges = booleanOf(option, value);
    else if (key === "systempaths" && value === "unconfined") result.systemPathsUnconfined = true;
    else if (key === "apparmor" && value === "unconfined") continue;
    else if (key === "label" && value === "disable") continue;
    else throw invalid(`invalid --security-opt: "${option}" is not supported`);
  }
  return result;
}

function booleanOf(option: string, value: string): boolean {
  if (value === "true" || value === "1") return true;
  if (value === "false" || value === "0") return false;
  throw invalid(`invalid --security-opt: "${option}" must be true or false`);
}

/** The filter of a container, undefined for none. */
export function containerSeccomp(choice: string, capabilities: readonly string[], arch: string): Seccomp | undefined {
  if (choice === "unconfined") return undefined;
  if (choice === "default") return defaultSeccompProfile(capabilities, arch);
  return parseSeccompProfile(choice, capabilities, arch);
}
