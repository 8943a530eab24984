import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readCertificates } from "./certificates.ts";
import { type HostsFile, readHostsFile } from "./hosts-file.ts";
import type { TlsOptions } from "./http.ts";
import { isLoopback } from "./loopback.ts";

/** Capabilities of a host: content by digest, resolution of tags, uploads. */
export type Capability = "pull" | "resolve" | "push";

/** A host that serves a registry's content. */
export interface HostSettings {
  /** The API's root: https://mirror.example/v2 */
  readonly url: URL;
  readonly capabilities: ReadonlySet<Capability>;
  readonly tls: TlsOptions;
  /** Headers of each request. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface RegistryHost extends HostSettings {
  /** True for the registry itself, false for a mirror, which never gets the user's credentials. */
  readonly isOwn: boolean;
  /** The TLS URL of a host that is tried by plain HTTP first. */
  readonly tlsInstead?: HostSettings | undefined;
}

/** Options of a call for the access to a registry. */
export interface RegistryAccess {
  readonly plainHttp?: boolean | undefined;
  readonly skipVerify?: boolean | undefined;
  /** One directory instead of the configured ones. */
  readonly hostsDirectory?: string | undefined;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

const everything: ReadonlySet<Capability> = new Set(["pull", "resolve", "push"]);
const hubDomain = "docker.io";
const hubHost = "registry-1.docker.io";

/**
 * The hosts that serve a registry, in the order in which they are tried; the registry itself is the last.
 * @param directories with HOST/hosts.toml or HOST/*.crt; the first that has HOST is used, then _default
 */
export async function registryHosts(
  domain: string,
  access: RegistryAccess,
  directories: readonly string[],
): Promise<RegistryHost[]> {
  const places = access.hostsDirectory === undefined ? directories : [access.hostsDirectory];
  const { file, certificates } = await configurationOf(domain, places);
  const tls = mergedTls(file?.server.tls ?? certificates, access);
  const server = file?.server;
  const settings = { capabilities: server?.capabilities ?? everything, headers: server?.headers ?? {}, tls };
  const mirrors = (file?.mirrors ?? []).map((mirror) => ({ ...mirror, isOwn: false }));
  if (server?.url && !access.plainHttp) return [...mirrors, { ...settings, url: server.url, isOwn: true }];
  return [...mirrors, ownHost(domain, settings, access.plainHttp ?? false, file !== undefined || !!certificates)];
}

function ownHost(
  domain: string,
  settings: Omit<HostSettings, "url">,
  plainHttp: boolean,
  isConfigured: boolean,
): RegistryHost {
  const host = domain === hubDomain ? hubHost : domain;
  const at = (scheme: string) => new URL(`${scheme}://${host}/v2`);
  if (plainHttp) return { ...settings, url: at("http"), isOwn: true };
  const byTls = { ...settings, url: at("https"), isOwn: true };
  const { ca, cert, skipVerify } = settings.tls;
  if (!isLoopback(domain) || ca.length > 0 || cert !== undefined || skipVerify) return byTls;
  // Loopback traffic cannot be intercepted: any certificate is accepted, unless authorities are configured.
  const tls = { ...settings.tls, skipVerify: !isConfigured };
  return { ...settings, url: at("http"), isOwn: true, tlsInstead: { ...byTls, tls } };
}

function mergedTls(configured: TlsOptions | undefined, access: RegistryAccess): TlsOptions {
  return {
    ca: [...(configured?.ca ?? []), ...(access.ca === undefined ? [] : [access.ca])],
    cert: access.cert ?? configured?.cert,
    key: access.key ?? access.cert ?? configured?.key,
    skipVerify: access.skipVerify ?? configured?.skipVerify ?? false,
  };
}

interface Configuration {
  readonly file?: HostsFile | undefined;
  readonly certificates?: TlsOptions | undefined;
}

async function configurationOf(domain: string, directories: readonly string[]): Promise<Configuration> {
  for (const name of [...directoryNames(domain), "_default"]) {
    for (const directory of directories) {
      const path = join(directory, name);
      if (!(await isDirectory(path))) continue;
      const file = await readHostsFile(path);
      return file ? { file } : { certificates: await readCertificates(path) };
    }
  }
  return {};
}

/** Directory names of a host with a port: containerd's form for file systems without colons, and the plain one. */
function directoryNames(domain: string): string[] {
  const colon = domain.lastIndexOf(":");
  const host = domain === "index.docker.io" ? hubDomain : domain;
  return colon > 0 ? [`${host.slice(0, colon)}_${host.slice(colon + 1)}_`, host] : [host];
}

async function isDirectory(path: string): Promise<boolean> {
  return await readdir(path).then(
    () => true,
    () => false,
  );
}
