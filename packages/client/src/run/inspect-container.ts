import type { Engine } from "../engine/connect.ts";

/** The properties of a container that attaching depends on. */
export interface AttachableContainer {
  readonly id: string;
  readonly tty: boolean;
  readonly openStdin: boolean;
  readonly running: boolean;
  readonly paused: boolean;
  readonly restarting: boolean;
  readonly autoRemove: boolean;
}

interface ContainerDocument {
  readonly Id?: string;
  readonly Config?: { readonly Tty?: boolean; readonly OpenStdin?: boolean };
  readonly State?: { readonly Running?: boolean; readonly Paused?: boolean; readonly Restarting?: boolean };
  readonly HostConfig?: { readonly AutoRemove?: boolean };
}

/** Gets them from the engine. */
export async function inspectForAttach(engine: Engine, name: string): Promise<AttachableContainer> {
  const { Id, Config, State, HostConfig } = (await engine.call("containerInspect", { Id: name })) as ContainerDocument;
  return {
    id: Id ?? name,
    tty: Config?.Tty === true,
    openStdin: Config?.OpenStdin === true,
    running: State?.Running === true,
    paused: State?.Paused === true,
    restarting: State?.Restarting === true,
    autoRemove: HostConfig?.AutoRemove === true,
  };
}
