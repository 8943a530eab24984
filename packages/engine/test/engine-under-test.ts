import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "@gantry/ipc";
import { connect } from "@gantry/ipc";
import { engineContract } from "@gantry/ipc/contracts/engine";
import type { ContainerConfig, HostConfig } from "@gantry/ipc/contracts/engine-types";
import { silent } from "../src/base/log.ts";
import { type Engine, startEngine } from "../src/engine.ts";
import type { EngineOptions } from "../src/options.ts";
import { type StandIn, startStandIn } from "./stand-in-supervisor.ts";

export type EngineClient = Client<typeof engineContract.methods>;

/** An engine in this process on a stand-in supervisor, and a client of it. */
export interface UnderTest extends AsyncDisposable {
  readonly client: EngineClient;
  readonly standIn: StandIn;
  readonly root: string;
  readonly state: string;
  /** Makes a container of busybox that runs a shell's command line, without a network. */
  create(
    script: string,
    host?: HostConfig,
    more?: { Name?: string; Config?: Partial<ContainerConfig> },
  ): Promise<string>;
  inspect(id: string): Promise<Inspected>;
  /** Resolves when the engine was asked to end. */
  ended(): Promise<void>;
  /** Ends the engine and starts another on the same directories; `meanwhile` runs between the two. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
}

/** The fields that tests look at. */
export interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly State: { Status: string; Running: boolean; Paused: boolean; Pid: number; ExitCode: number; Error: string };
  readonly Config: ContainerConfig;
  readonly HostConfig: HostConfig;
  readonly Mounts: { Type: string; Name?: string; Source: string; Destination: string; RW: boolean }[];
  readonly RestartCount: number;
  readonly NetworkSettings: {
    readonly IPAddress: string;
    readonly Gateway: string;
    readonly SandboxKey: string;
    readonly Ports: Record<string, { HostIp: string; HostPort: string }[] | null>;
    readonly Networks: Record<string, { IPAddress: string; MacAddress: string }>;
  };
}

export async function engineUnderTest(options: Partial<EngineOptions> = {}): Promise<UnderTest> {
  const base = mkdtempSync(join(tmpdir(), "gantry-engine-"));
  const standInDirectory = join(base, "supervisor");
  mkdirSync(standInDirectory, { mode: 0o700 });
  chmodSync(base, 0o700);
  const standIn = await startStandIn(standInDirectory);
  const state = join(base, "state");
  const settings: EngineOptions = {
    root: join(base, "root"),
    state,
    endpoint: `ipc://${state}/engine.sock`,
    supervisorEndpoint: standIn.endpoint,
    supervisorPath: "/nowhere/supervisor",
    shim: "/nowhere/shim",
    ociRuntime: "/nowhere/oci-runtime",
    runtimes: { "oci-runtime": { path: "/nowhere/oci-runtime", worker: true } },
    defaultRuntime: "oci-runtime",
    initPath: "/nowhere/tini-static",
    proxyPath: undefined,
    cgroupParent: "gantry-engine-test",
    bridge: "gantry0",
    bip: undefined,
    iptables: false,
    standby: undefined,
    storageDriver: undefined,
    registryConfig: undefined,
    cpus: 2,
    ...options,
  };
  let engine: Engine = await startEngine(settings, silent);
  const client = connect(engineContract, { endpoint: engine.endpoint });
  return {
    client,
    standIn,
    root: settings.root,
    state,
    create: async (script, host = {}, more = {}) => {
      const { Id } = await client.call("containerCreate", {
        ...(more.Name ? { Name: more.Name } : {}),
        Config: { Image: "busybox", Cmd: ["sh", "-c", script], ...more.Config },
        HostConfig: { NetworkMode: "none", ...host },
      });
      return Id;
    },
    inspect: async (id) => (await client.call("containerInspect", { Id: id })) as unknown as Inspected,
    ended: () => engine.ended,
    restart: async (meanwhile) => {
      await engine.close();
      await meanwhile?.();
      engine = await startEngine(settings, silent);
    },
    [Symbol.asyncDispose]: async () => {
      const { Containers } = await client.call("containerList", { All: true });
      for (const { Id } of Containers) await client.call("containerRemove", { Id, Force: true }).catch(() => {});
      client.close();
      await engine.close();
      await standIn.close();
      rmSync(base, { recursive: true, force: true });
    },
  };
}
