import { allowedByArchitecture, allowedByCapability, alwaysAllowed } from "./defaults-syscalls.ts";
import type { Seccomp, SeccompArg, SyscallRule } from "./types.ts";

const EPERM = 1;
const ENOSYS = 38;
const AF_VSOCK = 40;

/** Every CLONE_NEW* flag that clone(2) takes: mount, cgroup, uts, ipc, user, pid, net. */
const CLONE_NEW_ANY = 0x7e020000;

/** Arguments of personality(2) that change nothing dangerous: Linux, LINUX32, UNAME26 of both, and the query. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

const seccompArchitectures: Readonly<Record<string, readonly string[]>> = {
  amd64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  arm64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
  riscv64: ["SCMP_ARCH_RISCV64"],
};

/**
 * The default profile, equal in effect to Docker's: system calls that are not listed fail with EPERM.
 *
 * @param capabilities the container's bounding set, by name; each lets through the calls that it governs
 * @param arch "amd64", "arm64" or "riscv64" (or Node's "x64")
 */
export function defaultSeccompProfile(capabilities: readonly string[], arch: string): Seccomp {
  const name = arch === "x64" ? "amd64" : arch;
  const names = new Set([...alwaysAllowed, "process_vm_readv", "process_vm_writev", "ptrace"]);
  for (const call of allowedByArchitecture[name] ?? []) names.add(call);
  for (const capability of capabilities) for (const call of allowedByCapability[capability] ?? []) names.add(call);
  const syscalls: SyscallRule[] = [
    allow([...names]),
    allow(["socket"], [{ index: 0, value: AF_VSOCK, op: "SCMP_CMP_NE" }]),
    ...PERSONALITIES.map((value) => allow(["personality"], [{ index: 0, value, op: "SCMP_CMP_EQ" }])),
  ];
  if (!capabilities.includes("CAP_SYS_ADMIN")) syscalls.push(...namespaceLimits());
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: EPERM,
    architectures: [...(seccompArchitectures[name] ?? [])],
    syscalls,
  };
}

/** clone without new namespaces; clone3 hides its flags in memory, so programs are made to fall back to clone. */
function namespaceLimits(): SyscallRule[] {
  return [
    allow(["clone"], [{ index: 0, value: CLONE_NEW_ANY, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }]),
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
  ];
}

function allow(names: string[], args?: SeccompArg[]): SyscallRule {
  return args ? { names, action: "SCMP_ACT_ALLOW", args } : { names, action: "SCMP_ACT_ALLOW" };
}
