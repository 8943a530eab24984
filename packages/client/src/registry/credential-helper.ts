import { property } from "../config/config-file.ts";
import type { Credentials } from "./credentials.ts";

/** The message of a helper that has no credentials for a registry (docker-credential-helpers). */
const notFound = "credentials not found in native keychain";
/** The name under which helpers keep a refresh token. */
const tokenUser = "<token>";

type Action = "get" | "store" | "erase";

/** Gets a registry's credentials from a helper; undefined when it has none. @throws Error when it fails */
export async function askHelper(name: string, server: string): Promise<Credentials | undefined> {
  const { code, stdout, stderr } = await runHelper(name, "get", server);
  if (code !== 0) {
    const text = (stdout.trim() || stderr.trim()).split("\n")[0] ?? "";
    if (text.startsWith(notFound)) return undefined;
    throw new Error(`${programOf(name)} cannot get the credentials of ${server}: ${text || `exit status ${code}`}`);
  }
  const { username, secret } = parseAnswer(name, stdout);
  return username === tokenUser ? { identityToken: secret } : { username, password: secret };
}

/** Stores a registry's credentials in a helper. @throws Error */
export async function storeInHelper(name: string, server: string, credentials: Credentials): Promise<void> {
  const { username = "", password = "", identityToken } = credentials;
  const [Username, Secret] = identityToken === undefined ? [username, password] : [tokenUser, identityToken];
  const { code, stdout, stderr } = await runHelper(
    name,
    "store",
    JSON.stringify({ ServerURL: server, Username, Secret }),
  );
  if (code !== 0) throw new Error(`${programOf(name)} cannot store the credentials: ${(stdout || stderr).trim()}`);
}

/** Deletes a registry's credentials from a helper; none there is no failure. @throws Error */
export async function eraseInHelper(name: string, server: string): Promise<void> {
  const { code, stdout, stderr } = await runHelper(name, "erase", server);
  const text = (stdout || stderr).trim();
  if (code !== 0 && !text.startsWith(notFound))
    throw new Error(`${programOf(name)} cannot delete the credentials: ${text}`);
}

function programOf(name: string): string {
  return `docker-credential-${name}`;
}

function parseAnswer(name: string, text: string): { username: string; secret: string } {
  try {
    const answer: unknown = JSON.parse(text);
    const [username, secret] = [property(answer, "Username"), property(answer, "Secret")];
    if (typeof username === "string" && typeof secret === "string") return { username, secret };
  } catch {
    // Reported below.
  }
  throw new Error(`the output of ${programOf(name)} is not valid credentials`);
}

async function runHelper(
  name: string,
  action: Action,
  input: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  if (!/^[\w.-]+$/.test(name)) throw new Error(`"${name}" is not the name of a credential helper`);
  const { spawn } = await import("node:child_process");
  return await new Promise((resolve, reject) => {
    const child = spawn(programOf(name), [action], { stdio: ["pipe", "pipe", "pipe"] });
    const output = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].setEncoding("utf8").on("data", (text: string) => {
        output[stream] += text;
      });
    }
    child.once("error", ({ message }) => reject(new Error(`cannot run ${programOf(name)}: ${message}`)));
    child.once("close", (code) => resolve({ code: code ?? 1, ...output }));
    child.stdin.on("error", () => {}); // a helper that does not read its input has answered already
    child.stdin.end(input);
  });
}
