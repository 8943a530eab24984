/** Shell scripts of containers on the stand-in supervisor. They wait without polling, and nothing of them outlives the test. */

/** Runs until a signal ends it. */
export const forever = "exec sleep infinity";

/** Prints "ready" and ignores SIGTERM. */
export const deaf = "trap '' TERM; echo ready; exec sleep infinity";

/** Prints "ready" and exits with this status on SIGTERM. */
export const exitsOnTerm = (status: number): string =>
  // The trap runs at once only while the shell waits. A shell that is killed takes its sleep along.
  `trap 'exit ${status}' TERM; setpriv --pdeathsig KILL sleep infinity & echo ready; wait`;
