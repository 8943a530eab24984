import { ulimitNames } from "@gantry/oci-spec/names";

/** Devices, ulimits and restart policies of `run` and `create`. */

export interface Device {
  PathOnHost: string;
  PathInContainer: string;
  CgroupPermissions: string;
}

/** HOST[:CONTAINER][:rwm] @throws Error */
export function parseDevice(text: string): Device {
  const [host = "", second, third, ...more] = text.split(":");
  const isMode = (part: string | undefined): boolean => part !== undefined && /^(?!.*(.).*\1)[rwm]{1,3}$/.test(part);
  const secondIsMode = third === undefined && isMode(second);
  const container = second === undefined || secondIsMode ? host : second;
  const mode = third ?? (secondIsMode ? (second as string) : "rwm");
  if (host === "" || container === "" || more.length > 0) throw new Error(`invalid device specification: ${text}`);
  if (!isMode(mode)) throw new Error(`invalid device mode: ${mode}`);
  if (!container.startsWith("/")) throw new Error(`${container} is not an absolute path`);
  return { PathOnHost: host, PathInContainer: container, CgroupPermissions: mode };
}

export interface Ulimit {
  Name: string;
  Soft: number;
  Hard: number;
}

/** NAME=SOFT[:HARD], -1 or unlimited for no limit. @throws Error */
export function parseUlimit(text: string): Ulimit {
  const [, name, softText, hardText] = /^([^=]+)=([^:]+)(?::([^:]+))?$/.exec(text) ?? [];
  if (name === undefined || softText === undefined) throw new Error(`invalid ulimit argument: ${text}`);
  if (!ulimitNames.includes(name)) throw new Error(`invalid ulimit type: ${name}`);
  const number = (value: string): number => {
    if (value === "unlimited") return -1;
    if (!/^-?\d+$/.test(value)) throw new Error(`invalid ulimit argument: ${text}`);
    return Number(value);
  };
  const Soft = number(softText);
  const Hard = hardText === undefined ? Soft : number(hardText);
  if (Hard !== -1 && (Soft === -1 || Soft > Hard)) {
    throw new Error(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
  }
  return { Name: name, Soft, Hard };
}

export interface RestartPolicy {
  Name: string;
  MaximumRetryCount?: number;
}

/** no, always, unless-stopped, on-failure[:COUNT] @throws Error */
export function parseRestartPolicy(text: string): RestartPolicy {
  const [name = "", count, ...more] = text.split(":");
  if (more.length > 0 || (text.startsWith(":") && text !== "")) {
    throw new Error("invalid restart policy format: no policy provided before colon");
  }
  if (!["", "no", "always", "unless-stopped", "on-failure"].includes(name)) {
    throw new Error(
      `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  if (count === undefined) return { Name: name === "" ? "no" : name };
  if (!/^-?\d+$/.test(count)) throw new Error("invalid restart policy format: maximum retry count must be an integer");
  if (name !== "on-failure") {
    throw new Error("invalid restart policy: maximum retry count can only be used with 'on-failure'");
  }
  if (Number(count) < 0) throw new Error("invalid restart policy: maximum retry count cannot be negative");
  return { Name: name, MaximumRetryCount: Number(count) };
}
