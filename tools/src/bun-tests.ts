import { relative } from "node:path";
import { paths } from "./paths.ts";

/** Packages whose sources run under Bun in the standalone binaries, with the libraries that they use. */
const suites = ["cli", "client", "common", "ctr", "ipc", "oci-runtime"];

/** `file`: Bun runs the test file. `programs`: Node.js runs it, and Bun the programs that it starts. */
export type UnderBun = { readonly runs: "file" | "programs" } | { readonly skipped: string };

const servesItself = "the test file serves with zeromq, whose addon Bun cannot load";
const zeromqAlone = "it tests zeromq's sockets, which Bun cannot load";

/** Files that Bun cannot run, because they serve; with the programs of those that start client, ctr or a caller. */
const exceptions: Readonly<Record<string, UnderBun>> = {
  "client/test/commands.test.ts": { runs: "programs" },
  "client/test/config.test.ts": { runs: "programs" },
  "client/test/registry.test.ts": { runs: "programs" },
  "client/test/run.test.ts": { runs: "programs" },
  "client/test/template-docker.test.ts": { runs: "programs" },
  "client/test/terminal.test.ts": { runs: "programs" },
  "ctr/test/containers.test.ts": { runs: "programs" },
  "ctr/test/images.test.ts": { runs: "programs" },
  "ipc/test/peers.test.ts": { runs: "programs" },
  "ipc/test/accept-gate.test.ts": { skipped: zeromqAlone },
  "ipc/test/capacity.test.ts": { skipped: zeromqAlone },
  "ipc/test/connections.test.ts": { skipped: zeromqAlone },
  "ipc/test/foreign-peer.test.ts": { skipped: servesItself },
  "ipc/test/ipc.test.ts": { skipped: servesItself },
  "ipc/test/malformed.test.ts": { skipped: servesItself },
  "ipc/test/relay.test.ts": { skipped: servesItself },
  "ipc/test/sockets.test.ts": { skipped: zeromqAlone },
  "ipc/test/tcp.test.ts": { skipped: zeromqAlone },
  "ipc/test/zmtp.test.ts": { skipped: servesItself },
};

/** Files that only start the built oci-runtime, which Bun runs already: another JS runtime for the file tests nothing. */
const builtOnly = new Set(
  ["checkpoint", "cli", "descriptors", "labels", "notify", "oracle", "oracle-runc", "ownership", "pages", "rootless"]
    .concat(["seccomp-listener", "systemd"])
    .map((name) => `oci-runtime/test/${name}.test.ts`),
);

/** Files that run in a guest machine only, where Node.js runs them. */
const guestOnly = new Set(["oci-runtime/test/cgroup2.test.ts"]);

/** How a test file runs under Bun; undefined for a file that has nothing to test there. */
export function underBun(file: string): UnderBun | undefined {
  const name = relative(paths.packages, file);
  const [suite = ""] = name.split("/");
  if (!suites.includes(suite) || builtOnly.has(name) || guestOnly.has(name)) return undefined;
  return exceptions[name] ?? { runs: "file" };
}
