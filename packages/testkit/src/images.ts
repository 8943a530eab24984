import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type LayerEntry, writeDockerArchive } from "./archive.ts";

const passwd = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
sync:x:4:100:sync:/bin:/bin/sync
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`;

const group = `root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
mail:x:8:
utmp:x:43:
www-data:x:33:
operator:x:37:
users:x:100:
nogroup:x:65534:
`;

/**
 * Makes DIR/busybox.tar, a docker-archive of the image busybox:latest made from the machine's static busybox,
 * and returns its path.
 * @throws Error when /bin/busybox is not there or needs shared libraries
 */
export async function busyboxArchive(directory: string): Promise<string> {
  const path = join(directory, "busybox.tar");
  await writeBusyboxArchive(path);
  return path;
}

/** The same, to a file of any name. */
export async function writeBusyboxArchive(path: string, busybox = "/bin/busybox"): Promise<void> {
  const config = {
    Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    Cmd: ["sh"],
  };
  await writeDockerArchive(path, { name: "busybox:latest", layers: [busyboxLayer(busybox)], config });
}

/** The root file system's entries: the program, its applets as links, and the few files that programs look for. */
export function busyboxLayer(busybox = "/bin/busybox"): LayerEntry[] {
  const program = readStaticProgram(busybox);
  const applets = execFileSync(busybox, ["--list"], { encoding: "utf8" }).split("\n");
  const directory = (path: string, mode = 0o755): LayerEntry => ({ path: `${path}/`, type: "directory", mode });
  const plain = ["bin", "dev", "etc", "home", "proc", "sys", "usr", "usr/bin", "usr/sbin", "var", "var/spool"];
  return [
    ...plain.map((path) => directory(path)),
    directory("root", 0o700),
    directory("tmp", 0o1777),
    directory("var/spool/mail"),
    directory("var/www"),
    { path: "bin/busybox", content: program, mode: 0o755 },
    ...applets
      .filter((name) => name !== "" && name !== "busybox")
      .map((name): LayerEntry => ({ path: `bin/${name}`, type: "symlink", target: "busybox" })),
    { path: "usr/bin/env", type: "symlink", target: "../../bin/busybox" },
    { path: "etc/passwd", content: passwd },
    { path: "etc/group", content: group },
    { path: "etc/shadow", content: "root:*:::::::\n", mode: 0o600 },
    { path: "etc/nsswitch.conf", content: "hosts: files dns\n" },
  ];
}

function readStaticProgram(path: string): Buffer {
  const program = readFileSync(path);
  if (program.toString("latin1", 0, 4) !== "\x7fELF") throw new Error(`${path} is not a program`);
  if (hasInterpreter(program))
    throw new Error(`${path} is not static: Debian's package busybox-static has one that is`);
  return program;
}

/** True when an ELF64 file names a dynamic loader (a PT_INTERP program header, elf(5)). */
function hasInterpreter(elf: Buffer): boolean {
  const start = Number(elf.readBigUInt64LE(32));
  const size = elf.readUInt16LE(54);
  const count = elf.readUInt16LE(56);
  for (let at = 0; at < count; at++) {
    if (elf.readUInt32LE(start + at * size) === 3) return true;
  }
  return false;
}
