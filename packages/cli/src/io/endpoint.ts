import { CommandError } from "../command-error.ts";

/**
 * The endpoint of a daemon from what a person gave: ipc:///PATH, or an absolute path alone.
 * unix:// is refused: it names a socket that speaks HTTP or gRPC.
 * @param who whose socket it is, for the words of an error: engine
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

/**
 * Why a daemon cannot be reached, in one sentence; undefined when something does listen there.
 * Called after a failure only.
 */
export async function unreachable(endpoint: string, who: string): Promise<string | undefined> {
  const { connect } = await import("node:net");
  const code = await new Promise<string | undefined>((resolve) => {
    const socket = connect(endpoint.slice("ipc://".length));
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
  });
  if (code === undefined) return undefined;
  if (code === "EACCES" || code === "EPERM") {
    return `permission denied while trying to connect to the Gantry ${who} at ${endpoint}`;
  }
  return `Cannot connect to the Gantry ${who} at ${endpoint}. Is the ${who} running?`;
}
