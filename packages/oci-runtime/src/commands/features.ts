import { CAPABILITIES } from "@gantry/native-sys";
import { namespaceFlags } from "../plan/namespaces.ts";
import type { Command } from "./context.ts";

/** runtime-spec features.md. */
export const features: Command = async (_args, context) => {
  const document = {
    ociVersionMin: "1.0.0",
    ociVersionMax: "1.2.1",
    hooks: ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
    linux: {
      namespaces: Object.keys(namespaceFlags).sort(),
      capabilities: Object.keys(CAPABILITIES),
      cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: true },
      seccomp: {
        enabled: true,
        knownFlags: ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: false },
      mountExtensions: { idmap: { enabled: false } },
    },
  };
  context.print(`${JSON.stringify(document, null, 2)}\n`);
  return 0;
};
