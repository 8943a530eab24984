import { formatHelp, parseFlags } from "@gantry/cli";
import { printText } from "@gantry/cli/output";
import { version } from "@gantry/common/version";
import { unpackCommand } from "./layers/unpack-command.ts";

const flags = {
  root: {
    type: "string",
    value: "DIR",
    default: "/var/lib/gantry/supervisor",
    doc: "Directory of images, snapshots and metadata",
  },
  state: {
    type: "string",
    value: "DIR",
    default: "/run/gantry/supervisor",
    doc: "Directory of sockets, bundles and shims",
  },
  address: { type: "string", value: "ENDPOINT", doc: "Where to serve (default ipc://<state>/supervisor.sock)" },
  shim: { type: "string", value: "PATH", doc: "Binary of the shims (default: beside this one, then PATH)" },
  "oci-runtime": {
    type: "string",
    value: "PATH",
    doc: "OCI runtime that shims keep ready (default: beside this one, then PATH)",
  },
  snapshotter: {
    type: "string",
    value: "NAME",
    choices: ["overlayfs", "native"],
    doc: "How snapshots are stored (default: overlayfs, or native, which copies files, where overlayfs does not work)",
  },
  "registry-config": {
    type: "string",
    value: "DIR[:DIR…]",
    default: "/etc/gantry/certs.d:/etc/containerd/certs.d:/etc/docker/certs.d",
    doc: "Directories with HOST/hosts.toml (containerd's form) or HOST/*.crt, *.cert and *.key (Docker's)",
  },
  standby: { type: "integer", value: "N", default: 2, doc: "Shims kept ready for the next containers" },
  "log-level": {
    type: "string",
    value: "LEVEL",
    default: "info",
    choices: ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
    doc: "Least severe messages that are logged to standard error",
  },
  help: { type: "boolean", short: "h", doc: "Print this help" },
  version: { type: "boolean", short: "v", doc: "Print the version" },
} as const;

const help = formatHelp({
  usage: "supervisor [OPTIONS]",
  summary:
    "Manages images, snapshots and containers, and starts a shim for each container.\n" +
    "It can be stopped and started again at any time: containers keep running.",
  flags,
  examples: ["supervisor", "supervisor --root /srv/gantry --state /run/gantry-test --log-level debug"],
});

async function main(argv: readonly string[]): Promise<number | undefined> {
  try {
    // Internal: the supervisor runs itself with this argument to unpack a large layer.
    if (argv[0] === unpackCommand && argv[1] !== undefined) {
      const { unpackProcess } = await import("./layers/unpack-process.ts");
      await unpackProcess(argv[1]);
      return undefined;
    }
    const { values, args } = parseFlags(argv, flags);
    if (values.help) return printText("supervisor: ", help);
    if (values.version) return printText("supervisor: ", `supervisor version ${version}\n`);
    if (args.length > 0) throw new Error(`unexpected argument: ${args[0]}\nSee 'supervisor --help'.`);
    const { run } = await import("./run.ts");
    await run(values);
    return undefined;
  } catch (error) {
    process.stderr.write(`supervisor: ${(error as Error).message}\n`);
    return 1;
  }
}

main(process.argv.slice(2)).then((code) => {
  if (code !== undefined) process.exit(code);
});
