import { defaultSeccompProfile, type Seccomp } from "@gantry/oci-spec/runtime";
import { CommandError, type Context } from "../command.ts";
import { readTextFile } from "../parse/text-file.ts";
import type { ContainerValues } from "../run/container-flags.ts";
import { allCapabilities, changeCapabilities, setCapabilities } from "./capabilities.ts";
import type { ContainerSpec } from "./default-spec.ts";

/** Capabilities, seccomp, AppArmor and masked paths. @throws CommandError */
export async function setSecurity(context: Context, spec: ContainerSpec, values: ContainerValues): Promise<void> {
  if (values.privileged) await makePrivileged(spec);
  await changeCapabilities(spec, values["cap-add"], values["cap-drop"]);
  if (values["allow-new-privs"]) spec.process.noNewPrivileges = false;
  const apparmor = values["apparmor-profile"];
  if (apparmor !== undefined) spec.process.apparmorProfile = apparmor;
  const profile = values["seccomp-profile"];
  if (profile !== undefined && !values.seccomp) {
    throw new CommandError("seccomp must be set to true, if using a custom seccomp-profile");
  }
  if (!values.seccomp) return;
  const bounding = spec.process.capabilities?.bounding ?? [];
  spec.linux.seccomp =
    profile === undefined ? defaultSeccompProfile(bounding, process.arch) : await readProfile(context, profile);
}

async function makePrivileged(spec: ContainerSpec): Promise<void> {
  const { deviceNodesAt } = await import("@gantry/native-sys");
  setCapabilities(spec, await allCapabilities());
  spec.linux.maskedPaths = [];
  spec.linux.readonlyPaths = [];
  for (const mount of spec.mounts) {
    if (mount.type === "sysfs")
      mount.options = (mount.options ?? []).map((option) => (option === "ro" ? "rw" : option));
  }
  spec.linux.devices = [...((await deviceNodesAt("/dev", "/dev")) ?? [])];
  spec.linux.resources.devices = [{ allow: true, access: "rwm" }];
}

async function readProfile(context: Context, file: string): Promise<Seccomp> {
  const text = await readTextFile(context, file).catch((error: Error) => {
    throw new CommandError(`cannot load seccomp profile: ${error.message}`);
  });
  try {
    // The OCI runtime checks its form with the spec.
    return JSON.parse(text) as Seccomp;
  } catch (error) {
    throw new CommandError(`cannot load seccomp profile "${file}": ${(error as Error).message}`);
  }
}
