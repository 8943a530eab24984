import { join } from "node:path";
import { nativeSys, P_PID, WNOWAIT } from "@gantry/native-sys";
import { tempDir, waitFor } from "@gantry/testkit";
import { buildAddon } from "../../native-sys/build.ts";
import { buildKeeper } from "../build.ts";
import { KeeperClient, type KeptExit, startKeeper } from "../src/index.ts";

await buildAddon({ outDir: join(import.meta.dirname, "../../native-sys/build") });
buildKeeper();

export const sys = nativeSys();

export interface TestKeeper extends AsyncDisposable {
  readonly path: string;
  readonly pid: number;
  readonly client: KeeperClient;
  /** Those that the watcher was sent. */
  readonly exits: KeptExit[];
  /** How the watcher's connection ended. */
  readonly ended: Promise<"ended" | "replaced">;
}

/** A keeper with a watcher; both end with the scope. */
export async function keeper(program?: Uint8Array): Promise<TestKeeper> {
  const files = tempDir("keeper");
  const path = join(files.path, "keeper.sock");
  const pid = program ? startKeeper(sys, path, program) : startKeeper(sys, path);
  const exits: KeptExit[] = [];
  const ended = Promise.withResolvers<"ended" | "replaced">();
  const client = await KeeperClient.connect(sys, path, { onExit: (exit) => exits.push(exit), onEnd: ended.resolve });
  return {
    path,
    pid,
    client,
    exits,
    ended: ended.promise,
    async [Symbol.asyncDispose]() {
      client.close();
      if (isAlive(pid)) sys.kill(pid, 9);
      await reaped(pid);
      await files[Symbol.asyncDispose]();
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    sys.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits for the end of a child of this process. @returns its exit status; undefined when another has reaped it */
export async function reaped(pid: number): Promise<number | undefined> {
  let status: number | undefined;
  await waitFor(() => {
    if (!isAlive(pid)) return true;
    const exit = sys.waitid(P_PID, pid, WNOWAIT);
    status = exit?.status;
    if (exit) sys.waitid(P_PID, pid, 0);
    return exit !== null;
  });
  return status;
}
