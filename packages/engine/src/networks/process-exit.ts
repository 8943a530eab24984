import { isSystemError, type NativeSys, POLLIN } from "@gantry/native-sys";

/**
 * Kills a process and waits until it has ended, when its sockets are closed too. Not for a child only: the process is
 * watched through a pidfd, which also keeps the signal from a later process of the same number.
 * @param isExpected checks that the number still belongs to the process that is meant
 * @throws Error when it has not ended within the time
 */
export async function killAndWait(
  native: NativeSys,
  pid: number,
  options: { readonly isExpected: () => Promise<boolean>; readonly timeoutMs: number },
): Promise<void> {
  const pidFd = openProcess(native, pid);
  if (pidFd === undefined) return;
  try {
    if (!(await options.isExpected())) return;
    native.pidfdSendSignal(pidFd, 9);
    await untilReadable(native, pidFd, `process ${pid} has not ended after SIGKILL`, options.timeoutMs);
  } catch (error) {
    if (!isSystemError(error, "ESRCH")) throw error;
  } finally {
    native.closeFd(pidFd);
  }
}

function openProcess(native: NativeSys, pid: number): number | undefined {
  try {
    return native.pidfdOpen(pid);
  } catch (error) {
    if (isSystemError(error, "ESRCH", "EINVAL")) return undefined;
    throw error;
  }
}

async function untilReadable(native: NativeSys, fd: number, message: string, timeoutMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(message)), timeoutMs);
  const watch = native.watchFd(fd, POLLIN, () => resolve());
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    watch.close();
  }
}
