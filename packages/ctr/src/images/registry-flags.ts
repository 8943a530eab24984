import { resolve } from "node:path";
import { defined, type FlagTable, type FlagValues } from "@gantry/cli";
import type { Context } from "../command.ts";
import { readTextFile } from "../parse/text-file.ts";
import { askPassword } from "./password.ts";

/** Flags of every command that uses a registry. */
export const registryFlags = {
  "skip-verify": { type: "boolean", short: "k", doc: "Skip SSL certificate validation" },
  "plain-http": { type: "boolean", doc: "Use plain HTTP" },
  user: { type: "string", short: "u", value: "USER[:PASSWORD]", doc: "Registry user and password" },
  refresh: { type: "string", value: "TOKEN", doc: "Refresh token for the authorization server" },
  "hosts-dir": { type: "string", value: "DIR", doc: "Directory with HOST/hosts.toml" },
  tlscacert: { type: "string", value: "FILE", doc: "Certificates of further authorities (PEM)" },
  tlscert: { type: "string", value: "FILE", doc: "The client's certificate (PEM)" },
  tlskey: { type: "string", value: "FILE", doc: "The client's key (PEM)" },
} as const satisfies FlagTable;

/** containerd's flags that cannot be supported here. */
export const refusedRegistryFlags = {
  "http-dump": "requests to a registry contain credentials; failures name the registry's answer",
  "http-trace": "requests to a registry contain credentials; failures name the registry's answer",
};

type Values = FlagValues<typeof registryFlags>;

/** The flags in the form of the supervisor's request. @throws CommandError for a file that cannot be read */
export async function registryAccess(context: Context, values: Values) {
  const { user, refresh, tlscacert, tlscert, tlskey } = values;
  const hosts = values["hosts-dir"];
  return defined({
    plainHttp: values["plain-http"] || undefined,
    skipVerify: values["skip-verify"] || undefined,
    hostsDirectory: hosts === undefined ? undefined : resolve(context.cwd, hosts),
    ca: await pem(context, tlscacert),
    cert: await pem(context, tlscert),
    key: await pem(context, tlskey),
    auth: refresh === undefined ? await userAuth(context, user) : { identityToken: refresh },
  });
}

async function userAuth(context: Context, user: string | undefined) {
  if (user === undefined) return undefined;
  const colon = user.indexOf(":");
  if (colon < 0) return { username: user, password: await askPassword(context) };
  return { username: user.slice(0, colon), password: user.slice(colon + 1) };
}

async function pem(context: Context, file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : await readTextFile(context, file);
}
