import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { usableAccelerator } from "./accelerator.ts";
import { preparedKernel } from "./kernel.ts";
import { type GuestRequest, runInGuest } from "./run.ts";

const help = `Usage:  tools/vm [OPTION]... [--] COMMAND [ARG]...

Boots a small virtual machine (QEMU), runs the command there as root, and returns its output and exit status.
The guest has pure cgroup v2 with every controller delegated, and sees this machine's file system: what it writes
goes to its own memory and is gone with it. It has no network beyond its loopback. Standard input is empty.

Options:
  --systemd          systemd is process 1 and D-Bus runs (default: a shell script is)
  --memory MIB       memory of the guest (default 4096)
  --timeout SECONDS  how long the command may take (default 600); then the exit status is 124
  -h, --help         this text

Exit status: the command's; 124 when it took too long; 125 when the guest did not start or broke down.

Examples:
  tools/vm cat /sys/fs/cgroup/cgroup.controllers
  tools/vm --timeout 300 -- node packages/oci-runtime/test/container.test.ts
  tools/vm --systemd -- systemctl list-units
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    args: optionsFirst(process.argv.slice(2)),
    options: {
      help: { type: "boolean", short: "h" },
      systemd: { type: "boolean" },
      memory: { type: "string", default: "4096" },
      timeout: { type: "string", default: "600" },
    },
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  if (positionals.length === 0) throw new Error("no command given; see tools/vm --help");
  const kernel = preparedKernel((message) => process.stderr.write(`${message}\n`));
  const accelerator = await usableAccelerator(kernel);
  const request: GuestRequest = {
    kernel,
    command: positionals,
    systemd: values.systemd === true,
    memoryMiB: positive("--memory", values.memory, 256),
    timeoutSeconds: positive("--timeout", values.timeout, 1),
    // Emulated processors that run at once let Node's compiled code break now and then.
    processors: accelerator === "tcg" ? 1 : Math.min(availableParallelism(), 4),
    accelerator,
    directory: process.cwd(),
  };
  return await runInGuest(request, process);
}

/** Arguments after the command's name belong to the command, even if they look like options of ours. */
function optionsFirst(args: readonly string[]): string[] {
  let at = 0;
  while (at < args.length && args[at]?.startsWith("-") && args[at] !== "--") {
    at += args[at] === "--memory" || args[at] === "--timeout" ? 2 : 1;
  }
  return args[at] === "--" ? [...args] : [...args.slice(0, at), "--", ...args.slice(at)];
}

function positive(name: string, text: string, least: number): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < least)
    throw new Error(`${name} must be a whole number of at least ${least}, not ${JSON.stringify(text)}`);
  return number;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`tools/vm: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(125);
  },
);
