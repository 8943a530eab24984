import { type NativeSys, nativeSys, type SeccompProfile, sealedProgram } from "@gantry/native-sys";
import type { Seccomp } from "@gantry/oci-spec/runtime";
import { type Facts, readFacts } from "./facts.ts";
import { lazy } from "./lazy.ts";
import { PlanError } from "./plan/op.ts";
import { cachedFilters } from "./run/launch/filter-cache.ts";
import { readInitProgram } from "./run/launch/init-program.ts";

/** The dependencies of every operation on this machine; one per process. */
export interface Host {
  readonly native: NativeSys;
  readonly facts: Facts;
  /** A sealed memfd that holds the helper: a container can neither find the host's file nor change this one. */
  readonly initProgram: number;
  /** Compiles a seccomp profile to a filter; filters are cached. */
  readonly makeFilter: (profile: Seccomp) => Uint8Array;
  /** A container goes without cgroups where this user may not make them. */
  readonly rootless: boolean;
  /** New containers get their cgroups from systemd. */
  readonly systemdCgroup: boolean;
  /** How long the helper, a program of the host or the kernel may take over one step, in milliseconds. */
  readonly waitLimitMs: number;
  /** Called with warnings. */
  readonly warn: (message: string) => void;
  /** Called with each step of a command; undefined unless the caller logs them: they cost time. */
  readonly debug: ((message: string) => void) | undefined;
}

/** Settings of a host that a caller may change. */
export interface HostOptions {
  /** Whether containers may go without cgroups; absent: for a user without root. */
  readonly rootless?: boolean | undefined;
  readonly systemdCgroup?: boolean;
  readonly waitLimitMs?: number;
  readonly debug?: Host["debug"];
}

/** Longer than any operation that makes progress takes on a busy machine: a large copy into a tmpfs takes seconds. */
const defaultWaitLimitMs = 120_000;

/**
 * Loads and reads each part on first use: a command that needs none of them starts in half the time.
 * @param filters directory in which compiled seccomp filters are kept
 * @throws Error, from the part that cannot be loaded
 */
export function openHost(
  warn: (message: string) => void,
  filters: string,
  { rootless, systemdCgroup = false, waitLimitMs = defaultWaitLimitMs, debug }: HostOptions = {},
): Host {
  const host: Host = lazy<Host>({
    native: nativeSys,
    facts: readFacts,
    initProgram: () => sealedProgram(host.native, "oci-init", readInitProgram()),
    rootless: () => rootless ?? !host.facts.privileged,
    makeFilter: () => cachedFilters((profile) => compileFilter(host.native, profile), filters),
    systemdCgroup: () => systemdCgroup,
    waitLimitMs: () => waitLimitMs,
    warn: () => warn,
    debug: () => debug,
  });
  return host;
}

/** Loads all parts at once: requests then find everything there, and a missing one is reported before the first. */
export function loadHost(host: Host): Host {
  for (const part of ["native", "facts", "initProgram"] as const) void host[part];
  return host;
}

/** @throws PlanError for names that libseccomp does not know */
function compileFilter(native: NativeSys, profile: Seccomp): Uint8Array {
  try {
    return native.seccompCompile(profile as SeccompProfile);
  } catch (error) {
    throw new PlanError(`linux.seccomp: ${(error as Error).message.replace(/^seccomp: /, "")}`);
  }
}
