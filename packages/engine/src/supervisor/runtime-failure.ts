/** 127 for a command that does not exist, 126 for one that cannot be run, 128 for everything else: as Docker. */
export function exitCodeFor(text: string, command: string): number {
  if (!text.includes(command)) return 128;
  if (/executable file not found|no such file or directory|ENOENT/i.test(text)) return 127;
  return /permission denied|EACCES|is a directory|exec format error/i.test(text) ? 126 : 128;
}
