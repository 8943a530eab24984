import { type ConfigFile, property, readConfigFile, setConfigMember } from "../config/config-file.ts";

export interface Credentials {
  username?: string;
  password?: string;
  /** A refresh token instead of a password. */
  identityToken?: string;
  /** A bearer token that is sent unchanged. */
  registryToken?: string;
}

type Env = Readonly<Record<string, string | undefined>>;

export const hubDomain = "docker.io";
/** The key under which Docker keeps the hub's credentials. */
const hubKey = "https://index.docker.io/v1/";

/** The name under which a registry's credentials are kept. */
export function serverKey(domain: string): string {
  return domain === hubDomain ? hubKey : domain;
}

/**
 * The credentials that Docker's configuration has for a registry: those of a credential helper (credHelpers, then
 * credsStore), else the file's own `auths`. Undefined: access is anonymous.
 * @param warn called when a helper fails: a public image can still be pulled
 */
export async function registryCredentials(
  domain: string,
  env: Env,
  warn: (text: string) => void,
): Promise<Credentials | undefined> {
  const { content } = await readConfigFile(env);
  const helper = helperOf(content, domain);
  if (helper === undefined) return credentialsFrom(content, domain);
  const { askHelper } = await import("./credential-helper.ts");
  try {
    return (await askHelper(helper, serverKey(domain))) ?? credentialsFrom(content, domain);
  } catch (error) {
    warn((error as Error).message);
    return credentialsFrom(content, domain);
  }
}

/** Stores a registry's credentials. @returns the file that holds them unencrypted; undefined: a helper has them */
export async function keepCredentials(domain: string, env: Env, credentials: Credentials): Promise<string | undefined> {
  const file = await readConfigFile(env);
  const helper = helperOf(file.content, domain);
  const auths = { ...objectAt(file, "auths") };
  if (helper !== undefined) {
    const { storeInHelper } = await import("./credential-helper.ts");
    await storeInHelper(helper, serverKey(domain), credentials);
    auths[serverKey(domain)] = {};
  } else auths[serverKey(domain)] = entryOf(credentials);
  await setConfigMember(file, "auths", auths);
  return helper === undefined ? file.path : undefined;
}

/** Deletes a registry's credentials. */
export async function forgetCredentials(domain: string, env: Env): Promise<void> {
  const file = await readConfigFile(env);
  const helper = helperOf(file.content, domain);
  if (helper !== undefined) {
    const { eraseInHelper } = await import("./credential-helper.ts");
    await eraseInHelper(helper, serverKey(domain));
  }
  const before = Object.entries(objectAt(file, "auths"));
  const kept = before.filter(([name]) => !keysOf(domain).includes(name) && !keysOf(domain).includes(hostOf(name)));
  if (kept.length === before.length) return;
  await setConfigMember(file, "auths", Object.fromEntries(kept));
}

/** Picks a registry's entry of `auths`, whose keys may be bare names or URLs. */
export function credentialsFrom(config: unknown, domain: string): Credentials | undefined {
  const auths = property(config, "auths");
  if (typeof auths !== "object" || auths === null) return undefined;
  const keys = Object.keys(auths);
  const wanted = keysOf(domain);
  const key = keys.find((name) => wanted.includes(name)) ?? keys.find((name) => wanted.includes(hostOf(name)));
  if (key === undefined) return undefined;
  const entry = property(auths, key);
  const text = (name: string) => {
    const value = property(entry, name);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const pair = Buffer.from(text("auth") ?? "", "base64").toString("utf8");
  const colon = pair.indexOf(":");
  const isPair = colon > 0;
  const found = {
    username: isPair ? pair.slice(0, colon) : text("username"),
    password: isPair ? pair.slice(colon + 1).replace(/\0+$/, "") : text("password"),
    identityToken: text("identitytoken"),
    registryToken: text("registrytoken"),
  };
  const credentials: Credentials = Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
  return Object.keys(credentials).length > 0 ? credentials : undefined;
}

/** The credential helper of a registry. */
function helperOf(config: unknown, domain: string): string | undefined {
  const helpers = property(config, "credHelpers");
  const own = keysOf(domain).map((key) => property(helpers, key));
  const name = own.find((value) => typeof value === "string") ?? property(config, "credsStore");
  return typeof name === "string" && name !== "" ? name : undefined;
}

function entryOf({ username, password, identityToken }: Credentials): Record<string, string> {
  const auth = Buffer.from(`${username}:${identityToken === undefined ? password : ""}`).toString("base64");
  return { auth, ...(identityToken === undefined ? {} : { identitytoken: identityToken }) };
}

function keysOf(domain: string): readonly string[] {
  return domain === hubDomain ? [hubKey, hubDomain, "index.docker.io"] : [domain];
}

function objectAt({ content }: ConfigFile, name: string): Readonly<Record<string, unknown>> {
  const value = content[name];
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function hostOf(name: string): string {
  return name.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}
