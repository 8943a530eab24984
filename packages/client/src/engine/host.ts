import { CommandError } from "../command.ts";

export const defaultHost = "ipc:///run/gantry/engine.sock";

/**
 * The engine's endpoint from what a person gave with -H or GANTRY_HOST: ipc:///PATH, or an absolute path alone.
 * unix:// is refused: it names an HTTP socket of the Docker Engine API, which this program does not speak.
 * @throws CommandError
 */
export function parseHost(text: string): string {
  if (text.startsWith("/")) return `ipc://${text}`;
  if (/^ipc:\/\/\/./.test(text)) return text;
  const hint = text.startsWith("unix://") ? ` (did you mean ipc://${text.slice("unix://".length)}?)` : "";
  throw new CommandError(
    `invalid host "${text}": must be ipc:///PATH or an absolute path of the engine's socket${hint}`,
  );
}

/** The socket's path. */
export function socketPath(endpoint: string): string {
  return endpoint.slice("ipc://".length);
}
