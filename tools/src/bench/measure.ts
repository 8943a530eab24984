import { spawn } from "node:child_process";

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

/** Runs two commands in turn, ours first, `runs` times after one warm-up each, and gives their wall times in milliseconds. */
export async function pairedTimes(ours: Command, peer: Command, runs: number): Promise<{ ours: Figure; peer: Figure }> {
  const times: { ours: number[]; peer: number[] } = { ours: [], peer: [] };
  for (let run = -1; run < runs; run++) {
    const first = await wallTime(ours);
    const second = await wallTime(peer);
    if (run < 0) continue;
    times.ours.push(first);
    times.peer.push(second);
  }
  return { ours: figure(times.ours), peer: figure(times.peer) };
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

function wallTime({ argv, env }: Command): Promise<number> {
  return new Promise((resolve, reject) => {
    const [program, ...args] = argv;
    const started = performance.now();
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], ...(env ? { env } : {}) });
    let words = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      words = (words + text).slice(-2000);
    });
    child.on("error", reject);
    let took = 0;
    child.on("exit", () => {
      took = performance.now() - started;
    });
    child.on("close", (code, signal) => {
      if (code === 0) resolve(took);
      else reject(new Error(`${argv.join(" ")} ended with ${signal ?? code}: ${words.trim()}`));
    });
  });
}
