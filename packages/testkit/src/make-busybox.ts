import { writeBusyboxArchive } from "./images.ts";

const [output, ...rest] = process.argv.slice(2);
if (output === undefined || rest.length > 0 || output.startsWith("-")) {
  process.stderr.write("Usage: make-busybox OUT.tar\n\nWrites the image busybox:latest as a docker-archive.\n");
  process.exitCode = output === "--help" ? 0 : 2;
} else {
  await writeBusyboxArchive(output);
}
