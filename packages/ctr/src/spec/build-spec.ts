import { fileProblem } from "@gantry/cli/file-problem";
import type { ImageRunConfig } from "@gantry/oci-spec";
import { namespaceTypes } from "@gantry/oci-spec/runtime";
import { CommandError, type Context } from "../command.ts";
import { parseLabelFlags } from "../parse/labels.ts";
import { readTextFile } from "../parse/text-file.ts";
import type { ContainerValues } from "../run/container-flags.ts";
import { type ContainerSpec, defaultSpec } from "./default-spec.ts";
import { overlayEnv, readEnvFile } from "./environment.ts";
import { setLimits } from "./limits.ts";
import { hostNetworkFiles, parseMount } from "./mounts.ts";
import { setSecurity } from "./security.ts";
import { addUserNamespace, parseIdMap } from "./user-namespace.ts";

export interface SpecInput {
  readonly id: string;
  /** The image's; undefined for a directory. */
  readonly image: ImageRunConfig | undefined;
  /** Absolute path of a root file system that is not a snapshot. */
  readonly rootfs: string | undefined;
  /** The given command line; empty: the image's. */
  readonly args: readonly string[];
}

/** The spec that the flags describe. @throws CommandError for an invalid value of a flag */
export async function buildSpec(context: Context, values: ContainerValues, input: SpecInput): Promise<ContainerSpec> {
  const spec = defaultSpec(context.namespace, input.id);
  await setProcess(context, spec, values, input);
  spec.root = { path: input.rootfs ?? "rootfs", ...(values["read-only"] ? { readonly: true } : {}) };
  spec.mounts.push(...values.mount.map(parseMount));
  if (values.hostname !== undefined) spec.hostname = values.hostname;
  if (values.annotation.length > 0) spec.annotations = parseLabelFlags(values.annotation);
  setNamespaces(spec, values);
  setLimits(spec, values);
  await setSecurity(context, spec, values);
  await addDevices(spec, values.device);
  if (values.cgroup === "")
    throw new CommandError('--cgroup "": a container always has a cgroup; leave the flag out for the default one');
  if (values.cgroup !== undefined) spec.linux.cgroupsPath = values.cgroup;
  if (values["rootfs-propagation"]) spec.linux.rootfsPropagation = values["rootfs-propagation"];
  if (values["rdt-class"]) spec.linux.intelRdt = { closID: values["rdt-class"] };
  return spec;
}

/** Reads a complete spec from a file. @throws CommandError */
export async function readSpec(context: Context, file: string): Promise<Record<string, unknown>> {
  const text = await readTextFile(context, file).catch((error: Error) => {
    throw new CommandError(`cannot load spec config file: ${error.message}`);
  });
  const { parseSpec, SpecError } = await import("@gantry/oci-spec/runtime");
  try {
    return { ...parseSpec(text) };
  } catch (error) {
    if (error instanceof SpecError) throw new CommandError(`${file}: ${error.message}`);
    throw error;
  }
}

async function setProcess(context: Context, spec: ContainerSpec, values: ContainerValues, input: SpecInput) {
  const { image = {}, args } = input;
  const { process } = spec;
  process.args = [...(image.Entrypoint ?? []), ...(args.length > 0 ? args : (image.Cmd ?? []))];
  if (process.args.length === 0) throw new CommandError("no command given, and the image has none");
  process.cwd = values.cwd ?? (image.WorkingDir || "/");
  if (!process.cwd.startsWith("/")) throw new CommandError(`--cwd ${process.cwd}: must be an absolute path`);
  process.terminal = values.tty;
  const files = await Promise.all(values["env-file"].map((file) => readEnvFile(context, file)));
  const term = values.tty ? ["TERM=xterm"] : [];
  process.env = overlayEnv(process.env, [...(image.Env ?? []), ...term, ...files.flat(), ...values.env]);
}

function setNamespaces(spec: ContainerSpec, values: ContainerValues): void {
  const { linux } = spec;
  if (values["net-host"]) {
    linux.namespaces = linux.namespaces.filter(({ type }) => type !== "network");
    spec.mounts.push(...hostNetworkFiles());
  }
  for (const text of values["with-ns"]) {
    const [, name = "", path = ""] = /^([^:]*):(.+)$/.exec(text) ?? [];
    const type = namespaceTypes.find((known) => known === name);
    if (path === "")
      throw new CommandError("joining a Linux namespace using --with-ns requires the format 'nstype:path'");
    if (!type)
      throw new CommandError(`--with-ns ${text}: namespace type "${name}" must be one of ${namespaceTypes.join(", ")}`);
    linux.namespaces = [...linux.namespaces.filter((namespace) => namespace.type !== type), { type, path }];
  }
  const { uidmap, gidmap } = values;
  if ((uidmap === undefined) !== (gidmap === undefined))
    throw new CommandError("--uidmap and --gidmap must be used together");
  if (uidmap !== undefined && gidmap !== undefined) {
    addUserNamespace(spec, parseIdMap(uidmap, "--uidmap"), parseIdMap(gidmap, "--gidmap"));
  }
}

async function addDevices({ linux }: ContainerSpec, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  const { deviceNodesAt } = await import("@gantry/native-sys");
  for (const path of paths) {
    const nodes = await deviceNodesAt(path, path).catch((error: unknown) => {
      throw new CommandError(`--device ${path}: ${fileProblem(error)}`);
    });
    if (!nodes) throw new CommandError(`--device ${path}: not a device node`);
    linux.devices = [...(linux.devices ?? []), ...nodes];
    const rules = nodes.map(({ type, major, minor }) => ({ allow: true, type, major, minor, access: "rwm" }));
    linux.resources.devices = [...(linux.resources.devices ?? []), ...rules];
  }
}
