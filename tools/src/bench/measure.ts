import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";

/** A command to time as a whole process. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly env?: NodeJS.ProcessEnv;
}

export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Two figures, made in turn. */
export interface Pair {
  readonly ours: Figure;
  readonly peer: Figure;
}

/** Makes two measurements in turn, ours first, `runs` times after one warm-up each. */
export async function pairedRuns(
  ours: () => Promise<number>,
  peer: () => Promise<number>,
  runs: number,
): Promise<Pair> {
  const values: { ours: number[]; peer: number[] } = { ours: [], peer: [] };
  for (let run = -1; run < runs; run++) {
    const first = await ours();
    const second = await peer();
    if (run < 0) continue;
    values.ours.push(first);
    values.peer.push(second);
  }
  return { ours: figure(values.ours), peer: figure(values.peer) };
}

/** Wall times of two commands in milliseconds. */
export function pairedTimes(ours: Command, peer: Command, runs: number): Promise<Pair> {
  return pairedRuns(
    () => wallTime(ours),
    () => wallTime(peer),
    runs,
  );
}

/** Peaks of two commands' resident sets in megabytes. */
export function pairedPeaks(ours: Command, peer: Command, runs: number): Promise<Pair> {
  return pairedRuns(
    () => peakMemory(ours),
    () => peakMemory(peer),
    runs,
  );
}

/** Wall times of one command alone, in milliseconds. */
export async function soloTimes(command: Command, runs: number): Promise<Figure> {
  const times: number[] = [];
  await wallTime(command);
  for (let run = 0; run < runs; run++) times.push(await wallTime(command));
  return figure(times);
}

export function figure(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/** Milliseconds from a command's start to its end. @throws Error when it fails */
export function wallTime({ argv, env }: Command): Promise<number> {
  return new Promise((resolve, reject) => {
    const [program, ...args] = argv;
    const started = performance.now();
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], ...(env ? { env } : {}) });
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-2000);
    });
    child.on("error", reject);
    let took = 0;
    child.on("exit", () => {
      took = performance.now() - started;
    });
    child.on("close", (code, signal) => {
      if (code === 0) resolve(took);
      else reject(new Error(`${argv.join(" ")} ended with ${signal ?? code}: ${stderr.trim()}`));
    });
  });
}

/** getrusage(2) of a child is not to be had from Node; the value is the largest of the command and its own children. */
const peakScript = `import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)`;

async function peakMemory({ argv, env }: Command): Promise<number> {
  const { stdout } = await promisify(execFile)("python3", ["-c", peakScript, ...argv], env ? { env } : {});
  return Number(stdout) / 1024;
}
