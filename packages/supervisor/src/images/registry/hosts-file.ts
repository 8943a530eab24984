import { readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { messageOf } from "@gantry/common/error-message";
import { describeIssue } from "@gantry/common/schema-issue";
import * as v from "valibot";
import { failedPrecondition } from "../../errors.ts";
import type { Capability, HostSettings } from "./hosts.ts";

const capability = v.picklist(["pull", "resolve", "push"]);
const textOrTexts = v.union([v.string(), v.array(v.string())]);

const hostEntry = {
  capabilities: v.optional(v.array(capability)),
  ca: v.optional(textOrTexts),
  /** One file with certificate and key, or such files, or pairs of them. */
  client: v.optional(v.union([v.string(), v.array(textOrTexts)])),
  skip_verify: v.optional(v.boolean()),
  header: v.optional(v.record(v.string(), textOrTexts)),
  override_path: v.optional(v.boolean()),
  /** Accepted and ignored: containerd 2's connection timeout. */
  dial_timeout: v.optional(v.string()),
};

const hostsFile = v.strictObject({
  server: v.optional(v.string()),
  ...hostEntry,
  host: v.optional(v.record(v.string(), v.strictObject(hostEntry))),
});

type Entry = Omit<v.InferOutput<typeof hostsFile>, "server" | "host">;

export interface HostsFile {
  /** In the order of the file. */
  readonly mirrors: readonly HostSettings[];
  /** The registry itself; its URL is absent where the file names none. */
  readonly server: Omit<HostSettings, "url"> & { readonly url?: URL | undefined };
}

/**
 * Reads DIRECTORY/hosts.toml in containerd's form (containerd, docs/hosts.md). Undefined where there is none.
 * @throws RpcError FailedPrecondition naming the file and the mistake
 */
export async function readHostsFile(directory: string): Promise<HostsFile | undefined> {
  const path = join(directory, "hosts.toml");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw failedPrecondition(`cannot read ${path}: ${error.message}`);
  });
  if (text === undefined) return undefined;
  try {
    const { parse } = await import("smol-toml");
    const { server, host = {}, ...entry } = v.parse(hostsFile, parse(text));
    const own = await settings(directory, entry);
    const mirrors = Object.entries(host).map(async ([url, mirror]) => ({
      ...(await settings(directory, mirror)),
      url: hostUrl(url, mirror.override_path ?? false),
    }));
    return {
      mirrors: await Promise.all(mirrors),
      server: { ...own, ...(server === undefined ? {} : { url: hostUrl(server, entry.override_path ?? false) }) },
    };
  } catch (error) {
    throw failedPrecondition(`${path}: ${reason(error)}`, error);
  }
}

function reason(error: unknown): string {
  if (!v.isValiError(error)) return (messageOf(error).split("\n")[0] ?? "").trim();
  return describeIssue(error.issues[0]);
}

/** The API's root: the URL itself with override_path, else with /v2 appended. */
function hostUrl(text: string, overridesPath: boolean): URL {
  const full = /^https?:\/\//.test(text) ? text : `https://${text}`;
  if (!URL.canParse(full)) throw new Error(`"${text}" is not a URL of a registry`);
  const url = new URL(full);
  const path = url.pathname.replace(/\/+$/, "");
  url.pathname = overridesPath || path.endsWith("/v2") ? path : `${path}/v2`;
  return url;
}

async function settings(directory: string, entry: Entry): Promise<Omit<HostSettings, "url">> {
  const read = (path: string) => readFile(isAbsolute(path) ? path : join(directory, path), "utf8");
  const ca = await Promise.all(list(entry.ca).map(read));
  const [certFile, keyFile] = list(Array.isArray(entry.client) ? entry.client[0] : entry.client);
  const cert = certFile === undefined ? undefined : await read(certFile);
  const key = keyFile === undefined ? cert : await read(keyFile);
  const headers = Object.entries(entry.header ?? {}).map(([name, value]) => [
    name.toLowerCase(),
    list(value).join(", "),
  ]);
  const capabilities: readonly Capability[] = entry.capabilities ?? ["pull", "resolve", "push"];
  return {
    capabilities: new Set(capabilities),
    tls: { ca, cert, key, skipVerify: entry.skip_verify ?? false },
    headers: Object.fromEntries(headers),
  };
}

function list(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}
