import { encodeMessage, type Message } from "./wire.ts";

/** Kinds of requests and answers (criu_req_type of CRIU's rpc.proto). */
export const requestTypes = { dump: 1, restore: 2, preDump: 4, notify: 6, featureCheck: 9 } as const;

/** How cgroups are handled (criu_cg_mode). */
export const cgroupModes: Readonly<Record<string, number>> = { ignore: 0, soft: 3, full: 4, strict: 5 };

/** CRIU's options: the fields of criu_opts that this runtime uses. Descriptors are those of this process. */
export interface CriuOptions {
  readonly imagesFd: number;
  readonly workFd?: number | undefined;
  readonly pid?: number;
  readonly leaveRunning?: boolean;
  readonly extUnixSk?: boolean;
  readonly tcpEstablished?: boolean;
  readonly shellJob?: boolean;
  readonly fileLocks?: boolean;
  readonly linkRemap?: boolean;
  readonly tcpSkipInFlight?: boolean;
  readonly logFile: string;
  readonly pageServer?: { readonly address: string; readonly port: number } | undefined;
  readonly root: string;
  readonly parentImage?: string | undefined;
  readonly autoDedup?: boolean;
  readonly cgroupRoots?: readonly { readonly controller: string; readonly path: string }[];
  /** The restored process is a child of this process rather than of CRIU's. */
  readonly sibling?: boolean;
  /** Descriptors of CRIU's own, from 0 on, by their meaning. */
  readonly inherit?: readonly { readonly key: string; readonly fd: number }[];
  readonly cgroupMode: number;
  readonly external: readonly string[];
  /** Mounts that come from outside the container: their place, and where they come from. */
  readonly externalMounts: readonly { readonly key: string; readonly value: string }[];
  /** CLONE_NEW* of namespaces whose contents are left out. */
  readonly emptyNamespaces?: number;
  readonly joinNamespaces?: readonly { readonly type: string; readonly path: string }[];
  readonly freezeCgroup?: string | undefined;
  readonly lazyPages?: boolean;
  readonly statusFd?: number | undefined;
  readonly lsmProfile?: string | undefined;
  readonly lsmMountContext?: string | undefined;
}

const logLevel = 4;

/** A request as bytes. */
export function encodeRequest(type: number, options: CriuOptions): Buffer {
  return encodeMessage(new Map<number, number | Message>([...typeOnly(type), [2, optionsMessage(options)]]));
}

/** The answer to a notification: go on. */
export function encodeGoOn(): Buffer {
  return encodeMessage(new Map<number, number | boolean>([...typeOnly(requestTypes.notify), [3, true]]));
}

function typeOnly(type: number): [number, number][] {
  return [[1, type]];
}

function optionsMessage(options: CriuOptions): Message {
  const { pageServer } = options;
  const pairs = (list: readonly (readonly [string, string | number])[]): Message[] =>
    list.map(
      ([first, second]) =>
        new Map<number, string | number>([
          [1, first],
          [2, second],
        ]),
    );
  return new Map<number, string | number | boolean | undefined | Message | readonly (string | Message)[]>([
    [1, options.imagesFd],
    [2, options.pid],
    [3, options.leaveRunning],
    [4, options.extUnixSk],
    [5, options.tcpEstablished],
    [7, options.shellJob],
    [8, options.fileLocks],
    [9, logLevel],
    [10, options.logFile],
    [
      11,
      pageServer &&
        new Map<number, string | number>([
          [1, pageServer.address],
          [2, pageServer.port],
        ]),
    ],
    [12, true],
    [13, options.root],
    [14, options.parentImage],
    [15, options.parentImage !== undefined],
    [16, options.autoDedup],
    [17, options.workFd],
    [18, options.linkRemap],
    [23, pairs(options.externalMounts.map(({ key, value }) => [key, value]))],
    [24, true],
    [25, pairs((options.cgroupRoots ?? []).map(({ controller, path }) => [controller, path]))],
    [26, options.sibling],
    [27, pairs((options.inherit ?? []).map(({ key, fd }) => [key, fd]))],
    [34, options.cgroupMode],
    [37, options.external],
    [38, options.emptyNamespaces],
    [39, pairs((options.joinNamespaces ?? []).map(({ type, path }) => [type, path]))],
    [44, options.freezeCgroup],
    [46, options.tcpSkipInFlight],
    [48, options.lazyPages],
    [49, options.statusFd],
    [50, true],
    [53, options.lsmProfile],
    [63, options.lsmMountContext],
  ]);
}
