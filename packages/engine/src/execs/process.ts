import type { Process } from "@gantry/oci-spec/runtime";
import { invalid } from "../base/errors.ts";
import { containerCapabilities } from "../spec/capabilities.ts";
import { containerEnvironment, mergeEnvironment } from "../spec/environment.ts";
import { parseSecurityOptions } from "../spec/security.ts";
import { superuser } from "../supervisor/container-records.ts";
import type { ExecRequest, ExecTarget } from "./exec.ts";

/**
 * The OCI process of an exec and the user that it runs as: the container's own settings, changed by the request.
 * @param available capabilities of this host
 */
export async function execProcess(available: readonly string[], target: ExecTarget, request: ExecRequest) {
  const { config, hostConfig: host } = target;
  const cwd = request.WorkingDir || config.WorkingDir || "/";
  if (!cwd.startsWith("/")) throw invalid(`the working directory '${cwd}' is invalid, it needs to be an absolute path`);
  const names = containerCapabilities({
    privileged: (request.Privileged ?? false) || (host.Privileged ?? false),
    add: host.CapAdd ?? [],
    drop: host.CapDrop ?? [],
    available,
  });
  const tty = request.Tty ?? false;
  const inherited = containerEnvironment(config.Hostname ?? "", tty, config.Env ?? []);
  const groups = await target.groups();
  const process: Process = {
    terminal: tty,
    user: { uid: 0, gid: 0, ...(groups.length > 0 ? { additionalGids: groups } : {}) },
    args: [...request.Cmd],
    env: mergeEnvironment(inherited, request.Env ?? []),
    cwd,
    capabilities: { bounding: names, effective: names, permitted: names },
    noNewPrivileges: parseSecurityOptions(host.SecurityOpt ?? []).noNewPrivileges,
    ...(host.OomScoreAdj ? { oomScoreAdj: host.OomScoreAdj } : {}),
  };
  return { process: process as unknown as Record<string, unknown>, user: request.User || config.User || superuser };
}
