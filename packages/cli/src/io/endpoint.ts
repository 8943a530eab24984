import { CommandError } from "../command-error.ts";

/**
 * The endpoint of a daemon as given on a command line: ipc:///PATH, or an absolute path alone.
 * unix:// is refused: it names a socket that speaks HTTP or gRPC.
 * @param who the daemon's name for an error: engine
 * @throws CommandError
 */
export function parseEndpoint(text: string, who: string): string {
  if (text.startsWith("/")) return `ipc://${text}`;
  if (/^ipc:\/\/\/./.test(text)) return text;
  const hint = text.startsWith("unix://") ? ` (did you mean ipc://${text.slice("unix://".length)}?)` : "";
  throw new CommandError(
    `invalid host "${text}": must be ipc:///PATH or an absolute path of the ${who}'s socket${hint}`,
  );
}

/** Connects to a socket and closes the connection. @returns the error's code; undefined when a program listens */
export async function connectionError(path: string): Promise<string | undefined> {
  const { connect } = await import("node:net");
  return await new Promise<string | undefined>((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
  });
}

/**
 * Explains in one sentence why a daemon cannot be reached; undefined when a program does listen there. For use after a
 * failure.
 * @param absent the sentence for a daemon that does not listen
 */
export async function unreachable(
  endpoint: string,
  who: string,
  absent = `Cannot connect to the Gantry ${who} at ${endpoint}. Is the ${who} running?`,
): Promise<string | undefined> {
  const code = await connectionError(endpoint.slice("ipc://".length));
  if (code === undefined) return undefined;
  if (code !== "EACCES" && code !== "EPERM") return absent;
  return `permission denied while trying to connect to the Gantry ${who} at ${endpoint}`;
}
