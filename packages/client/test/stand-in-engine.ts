import { type Handlers, RpcError, type Server, serve } from "@gantry/ipc";
import { engineContract } from "@gantry/ipc/contracts/engine";
import { jsProgram, type RunOptions, type RunResult, run, type TempDir, tempDir } from "@gantry/testkit";
import tap from "tap";
import type { EngineMethods } from "../src/engine/connect.ts";

/** An engine without containers: it answers by a script, over the real contract and a real socket. */

export type EngineHandlers = Handlers<EngineMethods>;
export type Script = Partial<EngineHandlers>;

export const mainFile = new URL("../src/main.ts", import.meta.url).pathname;

/** Compiled sources, kept for the length of a test file: a client starts three times faster so. */
const compileCache = tempDir("compile-cache");
tap.teardown(() => compileCache[Symbol.asyncDispose]());

/** The environment of a client that is given its engine by -H, or none. */
export const clientEnv = {
  NODE_COMPILE_CACHE: compileCache.path,
  GANTRY_HOST: undefined,
  // No configuration file of this user.
  DOCKER_CONFIG: compileCache.path,
};

export interface StandInEngine extends AsyncDisposable {
  readonly host: string;
  /** The environment of a client of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** All calls, in order. */
  readonly calls: { readonly method: string; readonly request: unknown }[];
  /** The requests of one method. */
  requests(method: keyof EngineMethods): unknown[];
  /** Runs the client against it. */
  client(args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Ends as a killed engine does. */
  stop(): Promise<void>;
}

/** Serves the script; a method that is not in it is answered Unimplemented. */
export async function standInEngine(script: Script): Promise<StandInEngine> {
  const directory: TempDir = tempDir("client");
  const host = `ipc://${directory.path}/engine.sock`;
  const calls: StandInEngine["calls"] = [];
  const handlers = Object.fromEntries(
    Object.keys(engineContract.methods).map((method) => [
      method,
      async (request: unknown, context: unknown) => {
        calls.push({ method, request });
        const handler = script[method as keyof Script] as ((...args: unknown[]) => Promise<unknown>) | undefined;
        if (!handler) throw new RpcError("Unimplemented", `the script has no ${method}`);
        return await handler(request, context);
      },
    ]),
  );
  const server: Server = await serve(engineContract, handlers as unknown as EngineHandlers, { endpoint: host });
  const env = { ...clientEnv, GANTRY_HOST: host };
  const stop = () => server.close({ deadlineMs: 0 });
  return {
    host,
    env,
    calls,
    requests: (method) => calls.filter((call) => call.method === method).map(({ request }) => request),
    client: (args, options = {}) =>
      run(jsProgram, ["--", mainFile, ...args], { ...options, env: { ...env, ...options.env } }),
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await directory[Symbol.asyncDispose]();
    },
  };
}

export const containerId = "0123456789abcdef".repeat(4);

/** The process of a scripted container. */
export interface ContainerProcess {
  write(stream: "stdout" | "stderr", bytes: string | Uint8Array): Promise<void>;
  /** The next input; undefined at its end. */
  read(): Promise<Buffer | undefined>;
  /** The next signal that it is sent. */
  signal(): Promise<string>;
  /** Resolves when the client left it. */
  readonly detached: Promise<void>;
}

/** Handlers of one container that is created, attached to, started, and does what its main function says. */
export function scriptedContainer(main: (container: ContainerProcess) => Promise<number>): Script {
  const started = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<number>();
  exited.promise.catch(() => {});
  const signals = createQueue<string>();
  return {
    containerCreate: async () => ({ Id: containerId, Warnings: [] }),
    containerStart: async () => {
      started.resolve();
      return {};
    },
    containerKill: async ({ Signal }) => {
      signals.push(Signal ?? "SIGKILL");
      return {};
    },
    containerResize: async () => ({}),
    containerWait: async () => ({ StatusCode: await exited.promise }),
    containerAttach: async (_, context) => {
      await context.send({ attached: true });
      const typed = createQueue<Buffer | undefined>();
      const detached = Promise.withResolvers<void>();
      void (async () => {
        for await (const { value, blobs } of context.input) {
          if (value.kind === "stdin") for (const blob of blobs) typed.push(Buffer.from(blob));
          if (value.kind === "closeStdin") typed.push(undefined);
          if (value.kind === "detach") detached.resolve();
        }
      })().catch(() => {});
      await started.promise;
      const running = main({
        write: (stream, bytes) => context.send({ stream }, Buffer.from(bytes)),
        read: () => typed.take(),
        signal: () => signals.take(),
        detached: detached.promise,
      });
      const left = Symbol("left");
      const ended = await Promise.race([running, detached.promise.then(() => left)]);
      if (typeof ended !== "number") return {};
      exited.resolve(ended);
      return { ExitCode: ended };
    },
  };
}

function createQueue<T>(): { push(item: T): void; take(): Promise<T> } {
  const items: T[] = [];
  const takers: ((item: T) => void)[] = [];
  return {
    push: (item) => {
      const taker = takers.shift();
      if (taker) taker(item);
      else items.push(item);
    },
    take: () =>
      items.length > 0 ? Promise.resolve(items.shift() as T) : new Promise((resolve) => takers.push(resolve)),
  };
}
