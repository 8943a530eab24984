import type { Check, Report } from "./check.ts";
import type { Seccomp } from "./types.ts";

const notify = "SCMP_ACT_NOTIFY";
const withErrno: readonly string[] = ["SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"];

function checkSeccomp(seccomp: Seccomp, report: Report): void {
  const { defaultAction, defaultErrnoRet, syscalls = [] } = seccomp;
  if (defaultErrnoRet !== undefined && !withErrno.includes(defaultAction))
    report("linux.seccomp.defaultErrnoRet", `is for ${withErrno.join(" and ")}, not for ${defaultAction}`);
  syscalls.forEach(({ names, action, errnoRet }, index) => {
    const path = `linux.seccomp.syscalls[${index}]`;
    if (names.length === 0) report(`${path}.names`, "must hold at least one name");
    if (errnoRet !== undefined && !withErrno.includes(action))
      report(`${path}.errnoRet`, `is for ${withErrno.join(" and ")}, not for ${action}`);
  });
  checkListener(seccomp, report);
}

/** The runtime itself must still be able to report the listener to its parent: by write(2), under the filter. */
function checkListener({ defaultAction, flags = [], syscalls = [], ...listener }: Seccomp, report: Report): void {
  const notifies = syscalls.some(({ action }) => action === notify);
  if (defaultAction === notify)
    report("linux.seccomp.defaultAction", `must not be ${notify}: no process could be notified yet`);
  syscalls.forEach(({ names, action }, index) => {
    if (action === notify && names.includes("write"))
      report(`linux.seccomp.syscalls[${index}].names`, `must not hold "write" with ${notify}`);
  });
  if (notifies && !listener.listenerPath)
    report("linux.seccomp.listenerPath", `is missing: ${notify} needs a socket to send the listener to`);
  if (listener.listenerPath && !listener.listenerPath.startsWith("/"))
    report("linux.seccomp.listenerPath", `must be an absolute path, not "${listener.listenerPath}"`);
  if (listener.listenerMetadata && !listener.listenerPath)
    report("linux.seccomp.listenerMetadata", "needs listenerPath");
  const killable = flags.indexOf("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV");
  if (killable >= 0 && !notifies) report(`linux.seccomp.flags[${killable}]`, `needs a rule with ${notify}`);
}

export const seccompChecks: readonly Check[] = [
  {
    reads: ["linux.seccomp"],
    run: ({ linux }, report) => linux?.seccomp && checkSeccomp(linux.seccomp, report),
  },
];
