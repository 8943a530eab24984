import type { LogConfig } from "@gantry/ipc/contracts/common";
import type { HostConfig } from "@gantry/ipc/contracts/engine-types";
import { invalid } from "../base/errors.ts";
import { attributesOf, checkTag, type LoggedContainer } from "./attributes.ts";

type Options = Readonly<Record<string, string>>;

const drivers = ["json-file", "none"];
const names = new Set(
  "mode max-buffer-size max-size max-file compress labels labels-regex env env-regex tag".split(" "),
);

/** @throws RpcError InvalidArgument with Docker's message */
export function checkLogConfig(host: HostConfig): void {
  const { Type = "json-file", Config = {} } = host.LogConfig ?? {};
  if (!drivers.includes(Type)) {
    throw invalid(`logger: no log driver named '${Type}' is registered: use ${drivers.join(" or ")}`);
  }
  if (Type === "none") {
    if (Object.keys(Config ?? {}).length > 0) throw invalid("invalid logging opts for driver none");
    return;
  }
  for (const key of Object.keys(Config ?? {})) {
    if (!names.has(key)) throw invalid(`unknown log opt '${key}' for ${Type} log driver`);
  }
  limitsOf(Config ?? {});
  paceOf(Config ?? {});
  for (const key of ["labels-regex", "env-regex"]) checkRegex(key, Config?.[key]);
  checkTag(Config?.tag);
}

/** The shim's log options of a container. */
export function logConfigOf(container: LoggedContainer, path: string): LogConfig {
  const { Type, Config } = container.hostConfig.LogConfig ?? {};
  if (Type === "none") return { driver: "none" };
  const options = Config ?? {};
  const attrs = attributesOf(container, options);
  return {
    driver: "json-file",
    path,
    ...limitsOf(options),
    ...paceOf(options),
    ...(Object.keys(attrs).length > 0 ? { attrs } : {}),
  };
}

function limitsOf(options: Options): Pick<LogConfig, "maxSize" | "maxFiles" | "compress"> {
  const maxSize = sizeOf("max-size", options["max-size"], 1000);
  const files = options["max-file"];
  if (files !== undefined && !/^\+?0*[1-9]\d{0,8}$/.test(files)) {
    throw invalid(`max-file cannot be less than 1: "${files}"`);
  }
  const maxFiles = files === undefined ? 1 : Number(files);
  const compress = parseBool("compress", options["compress"]);
  if (compress && (maxFiles < 2 || maxSize === undefined)) {
    throw invalid("compress cannot be true when max-file is less than 2 or max-size is not set");
  }
  return { ...(maxSize === undefined ? {} : { maxSize }), maxFiles, ...(compress ? { compress } : {}) };
}

function paceOf(options: Options): Pick<LogConfig, "mode" | "maxBufferSize"> {
  const { mode = "" } = options;
  if (mode !== "" && mode !== "blocking" && mode !== "non-blocking") {
    throw invalid(`logger: logging mode not supported: ${mode}: use blocking or non-blocking`);
  }
  const size = options["max-buffer-size"];
  if (size !== undefined && mode !== "non-blocking") {
    throw invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  }
  if (mode !== "non-blocking") return {};
  const maxBufferSize = sizeOf("max-buffer-size", size, 1024);
  return { mode, ...(maxBufferSize === undefined ? {} : { maxBufferSize }) };
}

/** Docker counts a file's size in thousands, a buffer's in 1024s; -1: no limit. */
function sizeOf(name: string, text: string | undefined, base: number): number | undefined {
  if (text === undefined || text === "-1") return undefined;
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)i?b?$/i.exec(text.trim()) ?? [];
  if (digits === undefined) throw invalid(`invalid ${name}: "${text}" is not a size such as 10m`);
  const bytes = Math.floor(Number(digits) * base ** " kmgtp".indexOf(unit.toLowerCase() || " "));
  if (bytes < 1 || !Number.isSafeInteger(bytes)) throw invalid(`${name} must be a positive number: "${text}"`);
  return bytes;
}

/** A boolean as Go's strconv.ParseBool reads it. */
function parseBool(name: string, text: string | undefined): boolean {
  if (text === undefined) return false;
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false;
  throw invalid(`invalid ${name}: "${text}" is neither true nor false`);
}

function checkRegex(name: string, text: string | undefined): void {
  try {
    if (text !== undefined) new RegExp(text);
  } catch (error) {
    throw invalid(`invalid ${name}: ${(error as Error).message}`);
  }
}
