import { resolve } from "node:path";
import { defined } from "@gantry/cli";
import { findProgram } from "@gantry/common/programs";
import type { ImageRunConfig } from "@gantry/oci-spec";
import { parseImageConfig } from "@gantry/oci-spec/image";
import { CommandError, type Context } from "../command.ts";
import { fullName } from "../images/name.ts";
import { checkPlatform } from "../images/platform-flags.ts";
import { ofSnapshotter, requireOwnSnapshotter } from "../images/snapshotter.ts";
import { parseLabelFlags } from "../parse/labels.ts";
import { buildSpec, readSpec } from "../spec/build-spec.ts";
import type { ContainerValues } from "./container-flags.ts";

/** containerd's label for the signal that stops a container gracefully. */
export const stopSignalLabel = "io.containerd.image.config.stop-signal";
const runcRuntimes = ["io.containerd.runc.v2", "io.containerd.runc.v1"];

export interface CreatedContainer {
  readonly id: string;
  readonly terminal: boolean;
}

/** The meaning of the positional arguments. */
interface Source {
  readonly id: string;
  /** An image, or a directory with --rootfs; undefined with --config. */
  readonly from: string | undefined;
  readonly args: readonly string[];
}

/** Creates a container from flags and arguments; a failure leaves no snapshot behind. @throws CommandError */
export async function createContainer(
  context: Context,
  values: ContainerValues,
  positional: readonly string[],
): Promise<CreatedContainer> {
  const source = readArguments(values, positional);
  const runtime = runtimeChoice(context, values);
  if (source.from === undefined) return await createFromConfig(context, values, { source, runtime });
  if (values.rootfs) return await createFromDirectory(context, values, { source, runtime });
  return await createFromImage(context, values, { source, runtime });
}

interface Plan {
  readonly source: Source;
  readonly runtime: ReturnType<typeof runtimeChoice>;
}

function readArguments(values: ContainerValues, positional: readonly string[]): Source {
  if (values.config !== undefined) {
    const [id, ...more] = positional;
    if (id === undefined) throw new CommandError("container id must be provided");
    if (more.length > 0) throw new CommandError("with spec config file, only container id should be provided");
    return { id, from: undefined, args: [] };
  }
  const [from, id, ...args] = positional;
  if (from === undefined || from === "") throw new CommandError("image ref must be provided");
  if (id === undefined || id === "") throw new CommandError("container id must be provided");
  return { id, from, args };
}

async function createFromConfig(context: Context, values: ContainerValues, { source, runtime }: Plan) {
  const spec = await readSpec(context, values.config ?? "");
  const labels = parseLabelFlags(values.label);
  return await record(context, { ...common(source, runtime), labels, spec, image: "", user: values.user ?? "" });
}

async function createFromDirectory(context: Context, values: ContainerValues, { source, runtime }: Plan) {
  const { id, args, from = "" } = source;
  const rootfs = resolve(context.cwd, from);
  const { access } = await import("node:fs/promises");
  await access(rootfs).catch(() => {
    throw new CommandError(`--rootfs ${from}: no such file or directory`);
  });
  const spec = await buildSpec(context, values, { id, image: undefined, rootfs, args });
  const labels = parseLabelFlags(values.label);
  return await record(context, {
    ...common(source, runtime),
    labels,
    spec: { ...spec },
    image: "",
    user: values.user ?? "",
  });
}

async function createFromImage(context: Context, values: ContainerValues, { source, runtime }: Plan) {
  const { namespace } = context;
  const { id, args, from = "" } = source;
  const request = defined({ namespace, name: fullName(from), platform: checkPlatform(values.platform) });
  const supervisor = await context.supervisor();
  await requireOwnSnapshotter(context, supervisor, values.snapshotter);
  const { image, chainId, configDocument } = await supervisor.call("images.resolve", request);
  const config: ImageRunConfig = parseImageConfig(configDocument).config ?? {};
  const spec = await buildSpec(context, values, { id, image: config, rootfs: undefined, args });
  const stopSignal = { [stopSignalLabel]: config.StopSignal || "SIGTERM" };
  const labels = { ...config.Labels, ...image.labels, ...stopSignal, ...parseLabelFlags(values.label) };
  const chosen = ofSnapshotter(context, values.snapshotter);
  const snapshot = { namespace, key: id, ...chosen };
  await supervisor.call("snapshots.prepare", { ...snapshot, parent: chainId, ...snapshotLabels(values) });
  try {
    const user = values.user ?? config.User ?? "";
    const made = {
      ...common(source, runtime),
      ...chosen,
      labels,
      spec: { ...spec },
      image: image.name,
      snapshotKey: id,
    };
    // The default user is root, with its groups in the image.
    return await record(context, { ...made, user: user === "" ? "0" : user });
  } catch (error) {
    await supervisor.call("snapshots.remove", snapshot).catch(() => {});
    throw error;
  }
}

/** The fields of every container's record. */
function common({ id }: Source, runtime: Plan["runtime"]) {
  return { id, snapshotKey: "", ...(runtime ? { runtime } : {}) };
}

interface NewContainer {
  readonly id: string;
  readonly image: string;
  readonly labels: Record<string, string>;
  readonly spec: Record<string, unknown>;
  readonly snapshotKey: string;
  readonly user: string;
}

async function record(context: Context, container: NewContainer): Promise<CreatedContainer> {
  const supervisor = await context.supervisor();
  const { id, spec } = await supervisor.call("containers.create", { namespace: context.namespace, ...container });
  return { id, terminal: isTerminalSpec(spec) };
}

/** Whether a container's process has a terminal. */
export function isTerminalSpec(spec: Readonly<Record<string, unknown>>): boolean {
  const { process } = spec;
  return typeof process === "object" && process !== null && "terminal" in process && process.terminal === true;
}

function snapshotLabels(values: ContainerValues): { labels?: Record<string, string> } {
  const given = values["snapshotter-label"];
  return given.length > 0 ? { labels: parseLabelFlags(given) } : {};
}

/** The requested OCI runtime; undefined: the supervisor's default. */
function runtimeChoice(context: Context, values: ContainerValues) {
  if (!runcRuntimes.includes(values.runtime)) {
    throw new CommandError(
      `--runtime ${values.runtime}: must be ${runcRuntimes[0]}; another OCI runtime is given by --runc-binary PATH`,
    );
  }
  const binary = values["runc-binary"];
  const root = values["runc-root"];
  const systemd = values["runc-systemd-cgroup"];
  if (binary === undefined && root === undefined && !systemd) return undefined;
  return defined({
    path: binary === undefined ? undefined : requireProgram(binary, context),
    worker: binary === undefined ? undefined : false,
    root: root === undefined ? undefined : resolve(context.cwd, root),
    args: systemd ? ["--systemd-cgroup"] : undefined,
  });
}

function requireProgram(name: string, { cwd, env }: Context): string {
  const path = findProgram(name, env["PATH"] ?? "", cwd);
  if (path === undefined) throw new CommandError(`--runc-binary ${name}: no such program`);
  return path;
}
