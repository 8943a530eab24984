import { become } from "./become.ts";

try {
  become(process.argv0, process.argv.slice(2));
} catch (error) {
  process.stderr.write(`tini: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
