import { version } from "@gantry/common/version";
import { CAPABILITIES } from "@gantry/native-sys";
import {
  memoryPolicyFlags,
  memoryPolicyModes,
  seccompActions,
  seccompArchitectures,
  seccompFlags,
  seccompOperators,
} from "@gantry/oci-spec/runtime";
import { commit } from "../commit.ts";
import { mountOptionNames } from "../plan/mount-options.ts";
import { namespaceFlags } from "../plan/namespaces.ts";
import type { Command } from "./context.ts";

/** runtime-spec features.md and features-linux.md. */
export const features: Command = async (_args, context) => {
  const document = {
    ociVersionMin: "1.0.0",
    ociVersionMax: "1.3.0",
    hooks: ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
    mountOptions: mountOptionNames(),
    linux: {
      namespaces: Object.keys(namespaceFlags).sort(),
      capabilities: Object.keys(CAPABILITIES),
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: seccompActions,
        operators: seccompOperators,
        archs: seccompArchitectures,
        knownFlags: seccompFlags,
        supportedFlags: seccompFlags,
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      memoryPolicy: { modes: memoryPolicyModes, flags: memoryPolicyFlags },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: {
      "gantry.oci-runtime.version": version,
      ...(commit && { "gantry.oci-runtime.commit": commit }),
      "org.opencontainers.runc.checkpoint.enabled": "true",
      "io.github.seccomp.libseccomp.version": (await context.host()).native.seccompVersion(),
    },
    // Annotations of a container that change what the runtime does: the last stands for all that begin with it.
    potentiallyUnsafeConfigAnnotations: ["org.systemd.property."],
  };
  context.print(`${JSON.stringify(document, null, 2)}\n`);
  return 0;
};
