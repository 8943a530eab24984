import type { ContainerConfig, HostConfig } from "@gantry/ipc/contracts/engine-types";
import { invalid } from "../base/errors.ts";

/** The properties of a container that its log's options can refer to. */
export interface LoggedContainer {
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  readonly config: Partial<Pick<ContainerConfig, "Image" | "Labels" | "Env">>;
  readonly hostConfig: HostConfig;
}

const short = 12;

/** The fields of Docker's markup that --log-opt tag can name. */
const tagFields: Readonly<Record<string, (container: LoggedContainer) => string>> = {
  ID: ({ id }) => id.slice(0, short),
  FullID: ({ id }) => id,
  Name: ({ name }) => name.replace(/^\//, ""),
  ImageID: ({ imageId }) => imageId.replace(/^sha256:/, "").slice(0, short),
  ImageFullID: ({ imageId }) => imageId,
  ImageName: ({ config }) => config.Image ?? "",
  DaemonName: () => "gantry",
};

const fieldPattern = /\{\{\s*\.(\w+)\s*\}\}/g;

/** @throws RpcError InvalidArgument for a tag that cannot be filled in */
export function checkTag(tag: string | undefined): void {
  const allowed = Object.keys(tagFields).map((name) => `{{.${name}}}`);
  const fail = (text: string) => invalid(`invalid tag: ${text}: use ${allowed.join(", ")}`);
  const rest = (tag ?? "").replace(fieldPattern, (all, name: string) => {
    if (!Object.hasOwn(tagFields, name)) throw fail(all);
    return "";
  });
  if (rest.includes("{{")) throw fail(rest);
}

/** The attributes that --log-opt labels, labels-regex, env, env-regex and tag add to every line. */
export function attributesOf(
  container: LoggedContainer,
  options: Readonly<Record<string, string>>,
): Record<string, string> {
  const { Labels = {}, Env = [] } = container.config;
  const env = Object.fromEntries((Env ?? []).map((entry) => entry.split(/=(.*)/s, 2) as [string, string?]));
  const { tag } = options;
  return {
    ...selected(Labels ?? {}, options["labels"], options["labels-regex"]),
    ...selected(env, options["env"], options["env-regex"]),
    ...(tag ? { tag: tag.replace(fieldPattern, (_, name: string) => tagFields[name]?.(container) ?? "") } : {}),
  };
}

function selected(
  values: Readonly<Record<string, string | undefined>>,
  names: string | undefined,
  pattern: string | undefined,
): Record<string, string> {
  const wanted = new Set((names ?? "").split(",").filter(Boolean));
  const regex = pattern ? new RegExp(pattern) : undefined;
  const found = Object.entries(values).filter(([name]) => wanted.has(name) || regex?.test(name));
  return Object.fromEntries(found.map(([name, value = ""]) => [name, value]));
}
