/**
 * Names of kernel settings, as sysctl(8) reads them: the separator that comes first counts, and the other one stands
 * for a dot inside a name: net.ipv4.conf.eth0/1.forwarding is net/ipv4/conf/eth0.1/forwarding.
 */

/** With dots between the parts. */
export function dottedSysctl(key: string): string {
  return /[./]/.exec(key)?.[0] === "/" ? swapped(key) : key;
}

/** The file below /proc/sys. */
export function sysctlPath(key: string): string {
  return swapped(dottedSysctl(key));
}

function swapped(key: string): string {
  return key.replaceAll(/[./]/g, (letter) => (letter === "/" ? "." : "/"));
}
