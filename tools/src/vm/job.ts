import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { paths } from "../paths.ts";
import type { GuestRequest } from "./run.ts";

const guestFiles = join(import.meta.dirname, "guest");

/** Writes what the guest is to do into a directory that it mounts: settings, the command, and its own scripts. */
export function writeJob(directory: string, request: GuestRequest): void {
  mkdirSync(directory);
  cpSync(guestFiles, directory, { recursive: true });
  const settings = {
    systemd: request.systemd ? "yes" : "no",
    modules: request.kernel.modules,
    directory: request.directory,
    project: paths.root,
    path: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${quoted(value)}\n`);
  writeFileSync(join(directory, "settings"), lines.join(""));
  const exports = Object.entries(passedOn()).map(([name, value]) => `export ${name}=${quoted(value)}\n`);
  writeFileSync(join(directory, "command.sh"), `${exports.join("")}exec ${request.command.map(quoted).join(" ")}\n`);
}

/** Variables that say what to run rather than where; those of the host's session stay here. */
function passedOn(): Record<string, string> {
  const wanted = ["RUNTIME", "NODE_OPTIONS", "NODE_V8_COVERAGE", "TERM", "LANG", "TZ"];
  const own = Object.entries(process.env).filter(([name]) => wanted.includes(name) || /^(TAP|GANTRY)_/.test(name));
  return { HOME: "/root", ...Object.fromEntries(own.map(([name, value]) => [name, value ?? ""])) };
}

/** As one word of a POSIX shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
