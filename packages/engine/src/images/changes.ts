import { invalid } from "../base/errors.ts";
import { expandExposed } from "../networks/port-spec.ts";

/** The part of an image's configuration that --change may set. */
export interface ChangedConfig {
  Cmd?: string[];
  Entrypoint?: string[];
  Env?: string[];
  ExposedPorts?: Record<string, object>;
  Healthcheck?: Healthcheck;
  Labels?: Record<string, string>;
  OnBuild?: string[];
  StopSignal?: string;
  User?: string;
  Volumes?: Record<string, object>;
  WorkingDir?: string;
}

/**
 * Applies Dockerfile lines to an image configuration, which is an empty one unless given.
 * @throws RpcError InvalidArgument naming the line
 */
export function applyChanges(lines: readonly string[], start: Readonly<ChangedConfig> = {}): ChangedConfig {
  const config: ChangedConfig = { ...start };
  // A new entrypoint does not get the former one's arguments.
  if (lines.some((line) => /^\s*ENTRYPOINT\s/i.test(line))) delete config.Cmd;
  for (const line of lines) {
    const match = /^\s*([A-Za-z]+)\s+([\s\S]+?)\s*$/.exec(line);
    const apply = match && instructions[(match[1] ?? "").toUpperCase()];
    if (!match || !apply) {
      throw invalid(`"${line}" is not a valid change command: ${Object.keys(instructions).join(", ")} are`);
    }
    apply(config, match[2] ?? "", line);
  }
  return config;
}

/** Durations in nanoseconds, as the Engine API has them. */
export interface Healthcheck {
  Test: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  Retries?: number;
}

type Apply = (config: ChangedConfig, value: string, line: string) => void;

const instructions: Readonly<Record<string, Apply>> = {
  CMD: (config, value) => {
    config.Cmd = commandOf(value);
  },
  ENTRYPOINT: (config, value) => {
    config.Entrypoint = commandOf(value);
  },
  ENV: (config, value, line) => {
    const env = new Map((config.Env ?? []).map((entry) => [entry.slice(0, entry.indexOf("=")), entry]));
    for (const [key, text] of pairsOf(value, line)) env.set(key, `${key}=${text}`);
    config.Env = [...env.values()];
  },
  EXPOSE: (config, value) => {
    const ports = value
      .split(/\s+/)
      .flatMap(expandExposed)
      .map(({ port, protocol }) => [`${port}/${protocol}`, {}]);
    config.ExposedPorts = { ...config.ExposedPorts, ...Object.fromEntries(ports) };
  },
  HEALTHCHECK: (config, value, line) => {
    config.Healthcheck = healthcheckOf(value, line);
  },
  LABEL: (config, value, line) => {
    config.Labels = { ...config.Labels, ...Object.fromEntries(pairsOf(value, line)) };
  },
  ONBUILD: (config, value) => {
    config.OnBuild = [...(config.OnBuild ?? []), value];
  },
  STOPSIGNAL: (config, value) => {
    config.StopSignal = value;
  },
  USER: (config, value) => {
    config.User = value;
  },
  VOLUME: (config, value) => {
    const paths = jsonArray(value) ?? value.split(/\s+/);
    config.Volumes = { ...config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) };
  },
  WORKDIR: (config, value) => {
    config.WorkingDir = value.startsWith("/") ? value : `${config.WorkingDir ?? ""}/${value}`;
  },
};

/** NONE, or [--interval=30s …] CMD command. */
function healthcheckOf(value: string, line: string): Healthcheck {
  if (/^none$/i.test(value)) return { Test: ["NONE"] };
  const match = /^((?:--\S+\s+)*)CMD\s+([\s\S]+)$/i.exec(value);
  if (!match) throw invalid(`"${line}": a health check is NONE, or [OPTIONS] CMD command`);
  const [, options = "", command = ""] = match;
  const array = jsonArray(command);
  const result: Healthcheck = { Test: array ? ["CMD", ...array] : ["CMD-SHELL", command] };
  for (const option of options.trim().split(/\s+/).filter(Boolean)) {
    const [, name = "", text = ""] = /^--([a-z-]+)=(.+)$/.exec(option) ?? [];
    if (name === "interval") result.Interval = nanoseconds(text, line);
    else if (name === "timeout") result.Timeout = nanoseconds(text, line);
    else if (name === "start-period") result.StartPeriod = nanoseconds(text, line);
    else if (name === "retries" && /^\d+$/.test(text)) result.Retries = Number(text);
    else
      throw invalid(
        `"${line}": ${option} is not an option of a health check: --interval, --timeout, --start-period and --retries are`,
      );
  }
  return result;
}

/** Go's durations: 1m30s, 500ms. */
function nanoseconds(text: string, line: string): number {
  const units: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) {
    throw invalid(`"${line}": ${text} is not a duration such as 30s or 1m30s`);
  }
  return parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (units[unit] ?? 0), 0);
}

/** ["a", "b"] as it is; anything else for the shell. */
function commandOf(value: string): string[] {
  return jsonArray(value) ?? ["/bin/sh", "-c", value];
}

function jsonArray(value: string): string[] | undefined {
  if (!value.startsWith("[")) return undefined;
  try {
    const parsed: unknown = JSON.parse(value);
    const strings = Array.isArray(parsed) && parsed.every((item) => typeof item === "string");
    return strings ? (parsed as string[]) : undefined;
  } catch {
    return undefined;
  }
}

/** key=value key="a value"; or the old form: key and the rest of the line. */
function pairsOf(value: string, line: string): [string, string][] {
  const tokens = value.match(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/g) ?? [];
  if (!tokens[0]?.includes("=")) {
    const match = /^(\S+)\s+(.+)$/.exec(value);
    if (!match) throw invalid(`"${line}" must have two arguments`);
    return [[unquote(match[1] ?? ""), unquote(match[2] ?? "")]];
  }
  return tokens.map((token) => {
    const at = token.indexOf("=");
    if (at < 1) throw invalid(`"${line}": syntax error: "${token}" must be of the form name=value`);
    return [unquote(token.slice(0, at)), unquote(token.slice(at + 1))];
  });
}

function unquote(text: string): string {
  return text.replace(
    /"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/g,
    (_, double?: string, single?: string, escaped?: string) =>
      double !== undefined ? double.replace(/\\(.)/g, "$1") : (single ?? escaped ?? ""),
  );
}
