import { type RunOptions, type RunResult, run, start, type TestProcess, waitFor } from "./resource.ts";

/** Network and mount namespaces of a test's own, held open by a process until the end of the scope. */
export interface Namespaces extends AsyncDisposable {
  /** The holder: `nsenter -t PID -n -m` enters. */
  readonly pid: number;
  /** The command line that runs a command inside. */
  enter(command: string, args?: readonly string[]): [command: string, args: string[]];
  /** Runs a command inside to its end. */
  run(command: string, args?: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Runs a shell's command line inside. */
  sh(command: string, options?: RunOptions): Promise<RunResult>;
}

/** Makes them, with the loopback interface up and no mount shared with the machine. Needs root. */
export async function makeNamespaces(env: Readonly<Record<string, string>> = {}): Promise<Namespaces> {
  const hold = "ip link set lo up && echo ready && exec sleep infinity";
  const holder = start("unshare", ["-n", "-m", "--propagation", "private", "sh", "-c", hold], { env });
  try {
    await waitFor(() => holder.stdout() === "ready\n" || ended(holder), { what: "new namespaces" });
    if (ended(holder)) throw new Error(`cannot make namespaces: ${holder.stderr()}`);
  } catch (error) {
    await holder[Symbol.asyncDispose]();
    throw error;
  }
  const enter = (command: string, args: readonly string[] = []): [string, string[]] => [
    "nsenter",
    ["-t", String(holder.pid), "-n", "-m", "--", command, ...args],
  ];
  return {
    pid: holder.pid,
    enter,
    run: (command, args, options) => run(...enter(command, args), options),
    sh: (command, options) => run(...enter("sh", ["-c", command]), options),
    [Symbol.asyncDispose]: () => holder[Symbol.asyncDispose](),
  };
}

function ended(process: TestProcess): boolean {
  return process.child.exitCode !== null || process.child.signalCode !== null;
}
