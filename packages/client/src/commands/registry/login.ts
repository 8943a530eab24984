import { UsageError } from "@gantry/cli";
import { isTerminal } from "@gantry/cli/terminal";
import { CommandError, type Context, defineCommand } from "../../command.ts";
import { type Credentials, hubDomain, keepCredentials, registryCredentials } from "../../registry/credentials.ts";
import { registryDomain } from "../../registry/domain.ts";

export const command = defineCommand({
  usage: "[OPTIONS] [SERVER]",
  summary: "Authenticate to a registry",
  flags: {
    password: { type: "string", short: "p", value: "TEXT", doc: "Password or access token" },
    "password-stdin": { type: "boolean", doc: "Take the password from standard input" },
    username: { type: "string", short: "u", value: "NAME", doc: "Username" },
  },
  args: [0, 1],
  examples: ["localhost:5000", "-u me --password-stdin registry.example < password.txt"],
  async run(context, { values, args: [server] }) {
    const { username, password } = values;
    const fromInput = values["password-stdin"];
    if (fromInput && password !== undefined)
      throw new UsageError("--password and --password-stdin are mutually exclusive");
    if (fromInput && username === undefined) throw new UsageError("Must provide --username with --password-stdin");
    if (password !== undefined) context.log.warn("Using --password via the CLI is insecure. Use --password-stdin.");
    const domain = server === undefined ? hubDomain : registryDomain(server);
    const secret = fromInput ? await passwordFromInput() : password;
    const credentials = await wanted(context, domain, { username, password: secret });
    await login(context, domain, credentials);
    return 0;
  },
});

interface Given {
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** The credentials from the flags, else the stored ones, else from a prompt. */
async function wanted(context: Context, domain: string, { username, password }: Given): Promise<Credentials> {
  if (username !== undefined && password !== undefined) return { username, password };
  const kept = await registryCredentials(domain, context.env, (text) => context.log.warn(text));
  if (username === undefined && password === undefined && kept) {
    context.out.print("Authenticating with existing credentials...");
    return kept;
  }
  if (!isTerminal(0)) throw new CommandError("Error: Cannot perform an interactive login from a non TTY device");
  const { prompt } = await import("../../io/prompt.ts");
  const suggestion = kept?.username === undefined ? "" : ` (${kept.username})`;
  const name = username ?? ((await prompt(context, `Username${suggestion}: `)).trim() || kept?.username || "");
  if (name === "") throw new CommandError("Error: Non-null Username Required");
  const secret = password ?? (await prompt(context, "Password: ", true));
  if (secret === "") throw new CommandError("Error: Password Required");
  return { username: name, password: secret };
}

async function login(context: Context, domain: string, credentials: Credentials): Promise<void> {
  const engine = await context.engine();
  const { IdentityToken } = await engine.call(
    "registryLogin",
    { Registry: domain, Auth: credentials },
    { timeoutMs: 0 },
  );
  const { username = "" } = credentials;
  const kept = IdentityToken === undefined ? credentials : { username, identityToken: IdentityToken };
  const file = await keepCredentials(domain, context.env, kept);
  if (file !== undefined && kept.identityToken === undefined) {
    context.log.warn(
      `Your password will be stored unencrypted in ${file}: a credential helper (credsStore) would keep it safe.`,
    );
  }
  context.out.print("Login Succeeded");
}

async function passwordFromInput(): Promise<string> {
  const { text } = await import("node:stream/consumers");
  const password = (await text(process.stdin)).replace(/\r?\n$/, "");
  if (password === "") throw new CommandError("Error: Password Required");
  return password;
}
