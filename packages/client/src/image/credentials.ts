import { promises as fs } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { defined } from "@gantry/cli";

export interface Credentials {
  username?: string;
  password?: string;
  identityToken?: string;
}

const dockerHub = "https://index.docker.io/v1/";

/**
 * What Docker's configuration file knows for a registry: DOCKER_CONFIG/config.json, ~/.docker/config.json.
 * Without an entry there the pull is anonymous; programs that keep credentials are not asked.
 * @throws Error when the file is there and is not JSON
 */
export async function registryCredentials(
  domain: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Credentials | undefined> {
  const file = join(env["DOCKER_CONFIG"] || join(env["HOME"] || homedir(), ".docker"), "config.json");
  let text: string;
  try {
    text = await fs.readFile(file, "utf8");
  } catch {
    return undefined;
  }
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`);
  }
  return credentialsFrom(config, domain);
}

/** Picks a registry's entry of `auths`, whose keys may be bare names or URLs. */
export function credentialsFrom(config: unknown, domain: string): Credentials | undefined {
  const auths = property(config, "auths");
  if (typeof auths !== "object" || auths === null) return undefined;
  const keys = Object.keys(auths);
  const wanted = domain === "docker.io" ? [dockerHub, "docker.io", "index.docker.io"] : [domain];
  const key = keys.find((name) => wanted.includes(name)) ?? keys.find((name) => wanted.includes(hostOf(name)));
  const entry = key === undefined ? undefined : property(auths, key);
  const auth = property(entry, "auth");
  const token = property(entry, "identitytoken");
  const pair = typeof auth === "string" ? Buffer.from(auth, "base64").toString("utf8") : "";
  const colon = pair.indexOf(":");
  const credentials = defined({
    username: colon > 0 ? pair.slice(0, colon) : undefined,
    password: colon > 0 ? pair.slice(colon + 1).replace(/\0+$/, "") : undefined,
    identityToken: typeof token === "string" && token !== "" ? token : undefined,
  }) as Credentials;
  return Object.keys(credentials).length > 0 ? credentials : undefined;
}

function hostOf(name: string): string {
  return name.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
