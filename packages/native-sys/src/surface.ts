/**
 * The whole native surface of the addon, on one page. Verbs are the kernel's: each is one system call
 * (or the one smallest sequence that cannot be split from JavaScript), named as its man page.
 * Numbers are the kernel's constants, from `constants.ts`. Paths are passed as given; as bytes where a name need not
 * be UTF-8.
 *
 * Every failure throws a SystemError: `code` ("ENOENT"), `errno` (positive), `syscall` ("mount"), and `path` where
 * there is one; the message reads `mount /proc: EPERM: operation not permitted`.
 *
 * Descriptors are plain numbers; the caller closes them (`closeFd`, or the disposable `Fd` of fd.ts).
 * All are opened close-on-exec.
 */
export interface NativeSys {
  // mounts: mount(2), umount2(2), and the new mount API
  mount(source: string | null, target: string, fstype: string | null, flags: number, data: string | null): void;
  umount(target: string, flags: number): void;
  fsopen(fstype: string, flags: number): number;
  fsconfig(fd: number, command: number, key: string | null, value: string | null, aux: number): void;
  fsmount(fd: number, flags: number, attributes: number): number;
  openTree(dirFd: number, path: string, flags: number): number;
  moveMount(fromFd: number, fromPath: string, toFd: number, toPath: string, flags: number): void;
  mountSetattr(
    fd: number,
    path: string,
    flags: number,
    set: bigint,
    clear: bigint,
    propagation: bigint,
    userNsFd: number,
  ): void;
  pivotRoot(newRoot: string, putOld: string): void;

  // files
  openat2(dirFd: number, path: Path, flags: number, mode: number, resolve: number): number;
  closeFd(fd: number): void;
  mknod(path: Path, mode: number, major: number, minor: number): void;
  utimens(path: Path, atimeNs: bigint, mtimeNs: bigint, follow: boolean): void;
  getxattr(path: Path, name: Path, follow: boolean): Buffer | null;
  setxattr(path: Path, name: Path, value: Uint8Array, flags: number, follow: boolean): void;
  listxattr(path: Path, follow: boolean): string[];
  removexattr(path: Path, name: Path, follow: boolean): void;
  renameat2(from: string, to: string, flags: number): void;
  /** Takes or drops an advisory lock; false when LOCK_NB is set and another process holds it. */
  flock(fd: number, operation: number): boolean;
  copyFileRange(inFd: number, outFd: number, length: number): number;
  /**
   * Moves bytes by splice(2) without waiting; one of the two is a pipe. null when nothing is there or there is no room
   * (EAGAIN), 0 at end of file.
   * @param offset where in `outFd`; -1 when that is a pipe
   */
  splice(inFd: number, outFd: number, offset: number, length: number): number | null;
  /** Releases the storage of a part of a file, which then reads as zeros; the file's size stays. */
  punchHole(fd: number, offset: number, length: number): void;
  /** SEEK_DATA / SEEK_HOLE; null at the end (ENXIO). */
  seek(fd: number, offset: number, whence: number): number | null;
  setNonBlocking(fd: number, on: boolean): void;
  /** Sets or clears FD_CLOEXEC. */
  setCloseOnExec(fd: number, on: boolean): void;
  memfdCreate(name: string, flags: number): number;
  /** fcntl(F_ADD_SEALS). */
  addSeals(fd: number, seals: number): void;
  pipe(flags: number): [read: number, write: number];
  /** eventfd(2), non-blocking, counting from 0. */
  eventFd(): number;

  // processes
  /**
   * Starts a program from a descriptor or path with vfork semantics: between fork and exec only
   * dup2, signal reset and (where given) clone flags happen, in C. The descriptors in `fds` become
   * 0, 1, 2, … of the program in their order; no other descriptor crosses.
   */
  spawn(options: SpawnOptions): SpawnedProcess;
  /** waitid(2) with WEXITED|WNOHANG plus `options`; null when nothing has ended. ECHILD is null too. */
  waitid(idType: number, id: number, options: number): ExitInfo | null;
  pidfdOpen(pid: number): number;
  pidfdSendSignal(pidFd: number, signal: number): void;
  /** A descriptor of another process, as one of this one. */
  pidfdGetfd(pidFd: number, fd: number): number;
  kill(pid: number, signal: number): void;
  setns(fd: number, type: number): void;
  unshare(flags: number): void;
  prctl(option: number, arg2: number, arg3: number, arg4: number, arg5: number): number;
  getrlimit(pid: number, resource: number): { soft: bigint; hard: bigint };
  setrlimit(pid: number, resource: number, soft: bigint, hard: bigint): void;
  setsid(): void;
  umask(mask: number): number;

  // namespaces: a helper thread does the work, so the caller's own namespaces stay as they are
  /** Makes a network namespace and binds it to `path` (made if absent), as `ip netns add` does. */
  createNetns(path: string): void;
  /** Opens a socket inside the network namespace at `path` (null: this one). */
  socketInNetns(path: string | null, domain: number, type: number, protocol: number): number;

  // sockets
  /** Binds a netlink socket to port 0; with groups it joins those multicast groups. */
  bindNetlink(fd: number, groups: number): void;
  socketSend(fd: number, data: Uint8Array, flags: number): number;
  /** One datagram or chunk; null when nothing is there (EAGAIN). */
  socketRecv(fd: number, maxBytes: number, flags: number): Buffer | null;
  socketPair(domain: number, type: number, protocol: number): [number, number];
  /** Of a path that begins with "@" the rest is an abstract name (unix(7)), here and in `unixConnect`. */
  unixListen(path: string, type: number, backlog: number): number;
  unixConnect(path: string, type: number): number;
  /** null when no connection waits (EAGAIN). */
  accept(fd: number): number | null;
  /** Sends bytes and descriptors in one message (SCM_RIGHTS). */
  sendFds(fd: number, data: Uint8Array, fds: readonly number[]): void;
  /** Receives one message; null when nothing is there (EAGAIN); empty data at end of file. */
  recvFds(fd: number, maxBytes: number, maxFds: number): { data: Buffer; fds: number[] } | null;

  // internet sockets: an address is "192.0.2.1" or "2001:db8::1"; a protocol is IPPROTO_TCP, _UDP or _SCTP; all are non-blocking
  /** Binds a new socket, with SO_REUSEADDR unless UDP, and for IPv6 alone where the address is one. */
  inetBind(protocol: number, address: string, port: number): number;
  listen(fd: number, backlog: number): void;
  /** Begins to connect; writable means that it has ended, and `socketError` says how. */
  inetConnect(protocol: number, address: string, port: number): number;
  /** Takes a socket's pending error (SO_ERROR); null when there is none. */
  socketError(fd: number): Error | null;
  /** The local port a socket is bound to. */
  socketPort(fd: number): number;
  /** Makes a UDP socket report the local address that each datagram was sent to (IP_PKTINFO, IPV6_RECVPKTINFO). */
  reportDestination(fd: number): void;
  /** One datagram into a buffer; null when nothing is there (EAGAIN). Equal flows mean the same two addresses. */
  receiveDatagram(fd: number, into: Uint8Array): { length: number; flow: string } | null;
  /** Replies to the sender of a datagram, from the address it was sent to. */
  replyDatagram(fd: number, data: Uint8Array, flow: string): number;

  // terminals
  openpty(): { master: number; slave: number; path: string };
  setWinsize(fd: number, columns: number, rows: number): void;
  getWinsize(fd: number): { columns: number; rows: number };
  /** cfmakeraw on a terminal, optionally keeping ONLCR output processing; returns the former settings. */
  makeRaw(fd: number, keepOutputProcessing?: boolean): Buffer;
  setTermios(fd: number, settings: Uint8Array): void;

  // event loop
  /**
   * Calls back whenever the descriptor is ready, until closed; level-triggered. `events` are poll(2)'s POLLIN,
   * POLLOUT, POLLPRI and POLLRDHUP, in both directions. A hang-up arrives as the watched events; an error condition
   * comes as POLLERR, once, and ends the watching. The descriptor becomes non-blocking. One watch per descriptor
   * (EEXIST), none on regular files (EPERM). Keeps the loop alive unless unref'd.
   */
  watchFd(fd: number, events: number, callback: (events: number) => void): FdWatch;
  /**
   * Moves bytes both ways between two connected sockets by splice(2), half-closes included, off the JavaScript
   * path. Both are closed at the end; then `done` is called, once, also after `close()`.
   */
  spliceSockets(
    a: number,
    b: number,
    done: (error: Error | null, bytesAToB: number, bytesBToA: number) => void,
  ): SpliceHandle;

  // seccomp: compiles with libseccomp, loads nothing
  /**
   * An OCI linux.seccomp object, already checked, into a BPF program (array of struct sock_filter). Calls whose names
   * libseccomp does not know are passed over. Where the default action refuses, a call newer than all that the
   * profile names fails with ENOSYS, so that programs fall back to what is there. Flags are for the loader to use.
   */
  seccompCompile(profile: SeccompProfile): Buffer;
  /** Of the libseccomp that does it, such as "2.5.4". */
  seccompVersion(): string;

  // bpf(2): programs that the kernel runs for a cgroup; numbers are those of linux/bpf.h
  /** Loads instructions (array of struct bpf_insn). A refused program's error has the verifier's message. */
  bpfProgLoad(type: number, code: Uint8Array, name: string): number;
  /** Ids of the programs attached to the cgroup itself, not of those above it. */
  bpfProgQuery(cgroupFd: number, attachType: number): number[];
  bpfProgById(id: number): number;
  /** @param replacedFd the program that makes way for this one, with BPF_F_REPLACE; else ignored */
  bpfProgAttach(cgroupFd: number, programFd: number, attachType: number, flags: number, replacedFd: number): void;
  bpfProgDetach(cgroupFd: number, programFd: number, attachType: number): void;
}

export interface SpawnOptions {
  /** A descriptor (memfd) or an absolute path of the program. */
  readonly program: number | string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  /** These become 0, 1, 2, … of the program. */
  readonly fds: readonly number[];
  /** clone(2) flags such as CLONE_PARENT or CLONE_NEWPID; 0 for a plain child. */
  readonly cloneFlags?: number;
  /** Directory descriptor of a cgroup v2 to start in (CLONE_INTO_CGROUP). */
  readonly cgroupFd?: number;
  /** Start in a session of its own. */
  readonly setsid?: boolean;
  readonly cwd?: string;
}

export interface SpawnedProcess {
  readonly pid: number;
  /** For polling and signals without pid reuse; close it. */
  readonly pidFd: number;
}

export interface ExitInfo {
  readonly pid: number;
  /** CLD_EXITED, CLD_KILLED, CLD_DUMPED. */
  readonly code: number;
  /** Exit status or signal number, by `code`. */
  readonly status: number;
}

export interface FdWatch {
  /** Changes the watched events; 0 pauses. */
  setEvents(events: number): void;
  unref(): void;
  ref(): void;
  /** Stops watching; the descriptor stays open. */
  close(): void;
}

export interface SpliceHandle {
  /** Stops the copy and closes both sockets. */
  close(): void;
}

/** Already-validated profile: names as libseccomp and the OCI spec have them. */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  readonly syscalls?: readonly {
    readonly names: readonly string[];
    readonly action: string;
    readonly errnoRet?: number;
    readonly args?: readonly {
      readonly index: number;
      readonly value: number | bigint;
      readonly valueTwo?: number | bigint;
      readonly op: string;
    }[];
  }[];
}

/** Text, which is passed as UTF-8, or the bytes themselves. */
export type Path = string | Uint8Array;
